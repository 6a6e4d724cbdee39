import { expect } from 'chai';
import { ClientSecrets } from '#clients/client-secrets.ts';
import { createEphemeralKeyRing, KeyRing, type SecretKey } from '#crypto/key-ring.ts';

const secretsWith = (...keys: readonly SecretKey[]) =>
  new ClientSecrets(new KeyRing(new Map([['client_secret', keys]])).only('client_secret'));
const aKey = () => createEphemeralKeyRing().current('client_secret');

describe('clients/client-secrets', () => {
  const [older, newer] = [aKey(), aKey()];
  const secrets = secretsWith(newer, older);

  it('makes secrets of 256 bits that HTTP Basic need not encode, never the same', () => {
    const made = Array.from({ length: 100 }, () => secrets.generate());
    expect(new Set(made).size).to.equal(100);
    for (const secret of made) expect(secret).to.match(/^[\w-]{43}$/);
  });

  it('matches the secret and nothing near it', () => {
    const hash = secrets.hash('the-secret');
    expect(secrets.matches(hash, 'the-secret')).to.equal(true);
    for (const other of ['', 'the-secre', 'the-secrets', 'The-secret', hash]) {
      expect(secrets.matches(hash, other), other).to.equal(false);
    }
  });

  it('matches hashes under a former key, not under one that is gone', () => {
    const hash = secretsWith(older).hash('the-secret');
    expect(secrets.matches(hash, 'the-secret')).to.equal(true);
    expect(secretsWith(newer).matches(hash, 'the-secret')).to.equal(false);
  });

  it('matches nothing against what is no hash', () => {
    for (const hash of ['', '.', newer.kid, `${newer.kid}.`, 'the-secret']) {
      expect(secrets.matches(hash, 'the-secret'), hash).to.equal(false);
      expect(secrets.matches(hash, ''), hash).to.equal(false);
    }
  });
});
