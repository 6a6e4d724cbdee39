import { expect } from 'chai';
import { compactVerify, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { SIGNING_ALGORITHMS } from '#crypto/signing-keys.ts';
import { SigningKey } from '#oidc/signing-key.ts';

async function aKey(alg: string): Promise<{ jwk: JWK; publicKey: CryptoKey }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { jwk: { ...(await exportJWK(privateKey)), kid: 'kid-1', alg, use: 'sig' }, publicKey };
}

/** A compact JWS (RFC 7515 §7.1) over a payload. */
async function signed(key: SigningKey, payload: string): Promise<string> {
  const header = Buffer.from(JSON.stringify({ alg: key.alg })).toString('base64url');
  const input = `${header}.${Buffer.from(payload).toString('base64url')}`;
  const signature = await key.sign(Buffer.from(input));
  return `${input}.${signature.toString('base64url')}`;
}

describe('oidc/signing-key', () => {
  for (const alg of SIGNING_ALGORITHMS) {
    it(`signs ${alg} so that another library verifies it`, async () => {
      const { jwk, publicKey } = await aKey(alg);
      const token = await signed(new SigningKey(jwk), 'payload');
      const { payload } = await compactVerify(token, publicKey);
      expect(Buffer.from(payload).toString()).to.equal('payload');
    });
  }

  it('pads the numbers of an ES256 signature that happen to be short', async () => {
    const { jwk, publicKey } = await aKey('ES256');
    const key = new SigningKey(jwk);
    const lengths = new Set<number>();
    // One in 128 has an r or an s with a zero byte in front.
    for (let count = 0; count < 1500; count += 1) {
      const token = await signed(key, String(count));
      await compactVerify(token, publicKey);
      lengths.add(Buffer.from(token.split('.')[2] ?? '', 'base64url').length);
    }
    expect([...lengths]).to.deep.equal([64]);
  });

  it('shows the library the public part alone', async () => {
    const { jwk } = await aKey('ES256');
    const key = new SigningKey(jwk);
    expect(key.keyObject().type).to.equal('public');
    expect({ kty: key.kty, crv: key.crv, x: key.x, y: key.y }).to.deep.equal({
      ...{ kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y },
    });
    expect(JSON.stringify(key)).to.not.contain(jwk.d);
  });
});
