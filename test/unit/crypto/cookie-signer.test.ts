import { expect } from 'chai';
import { CookieSignerWithKeys } from '#crypto/cookie-signer.ts';
import { createEphemeralKeyRing, KeyRing, type SecretKey } from '#crypto/key-ring.ts';

const keysOf = (...keys: readonly SecretKey[]) => new KeyRing(new Map([['cookies', keys]]));
const aKey = () => createEphemeralKeyRing().current('cookies');

describe('crypto/cookie-signer', () => {
  const [older, newer] = [aKey(), aKey()];
  const signer = new CookieSignerWithKeys(keysOf(newer, older).only('cookies'));
  const former = new CookieSignerWithKeys(keysOf(older).only('cookies'));

  it('verifies what it signed, and nothing else', () => {
    const signature = signer.sign('name=value');
    expect(signer.verify('name=value', signature)).to.equal(true);
    expect(signer.verify('name=other', signature)).to.equal(false);
    expect(signer.verify('name=value', `${signature}A`)).to.equal(false);
    expect(signer.verify('name=value', signature.slice(0, -1))).to.equal(false);
    expect(signer.verify('name=value', '')).to.equal(false);
  });

  it('signs with the newest key and still verifies with the former ones', () => {
    expect(signer.index('a=b', signer.sign('a=b'))).to.equal(0);
    expect(signer.index('a=b', former.sign('a=b'))).to.equal(1);
    expect(former.index('a=b', signer.sign('a=b'))).to.equal(-1);
  });

  it('makes signatures that a cookie can carry', () => {
    expect(signer.sign('a=b')).to.match(/^[\w-]{43}$/);
  });
});
