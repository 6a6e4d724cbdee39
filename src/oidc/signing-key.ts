/**
 * Token-signing keys on node:crypto. The library signs through WebCrypto, which hands every signature
 * to another thread and back: two to four times the CPU of an ES256 signature itself. Its hook for
 * keys in a hardware module takes ours instead; provider.ts makes them of the published JWKs.
 */
import { constants, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'jose';
import { ExternalSigningKey } from 'oidc-provider';
import type { SigningAlgorithm } from '#crypto/signing-keys.ts';

type Sign = (data: Buffer, key: KeyObject) => Buffer | Promise<Buffer>;

const signInThread = promisify<string, Buffer, Parameters<typeof sign>[2], Buffer>(sign);

/** Short ones here and now; an RSA signature takes half a millisecond and goes to a thread. */
const SIGN: Readonly<Record<SigningAlgorithm, Sign>> = {
  // Asked for the JOSE form, Node takes twice as long as for the DER form.
  ES256: (data, key) => joseForm(sign('sha256', data, key)),
  EdDSA: (data, key) => sign(null, data, key),
  RS256: (data, key) => signInThread('sha256', data, key),
  PS256: (data, key) =>
    signInThread('sha256', data, {
      ...{ key, padding: constants.RSA_PKCS1_PSS_PADDING },
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }),
};

export class SigningKey extends ExternalSigningKey {
  readonly #jwk: JWK;
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #sign: Sign;

  /** @param jwk - a private key of signing_keys, with `kid` and `alg` */
  constructor(jwk: JWK) {
    super();
    this.#jwk = jwk;
    this.#private = createPrivateKey({ key: jwk, format: 'jwk' });
    this.#public = createPublicKey(this.#private);
    this.#sign = SIGN[jwk.alg as SigningAlgorithm];
  }

  override get kid(): string | undefined {
    return this.#jwk.kid;
  }

  override get alg(): string | undefined {
    return this.#jwk.alg;
  }

  override keyObject(): KeyObject {
    return this.#public;
  }

  override async sign(data: Buffer): Promise<Buffer> {
    return await this.#sign(data, this.#private);
  }
}

const COORDINATE_BYTES = 32;

/**
 * An ECDSA signature over P-256 as RFC 7518 §3.4 wants it: r and s, 32 bytes each. Given is
 * SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 §2.2.3), each as short as its value allows, with a
 * leading zero where the first bit is set; all lengths fit into one byte.
 */
function joseForm(der: Buffer): Buffer {
  const rLength = der.readUInt8(3);
  const r = der.subarray(4, 4 + rLength);
  const s = der.subarray(4 + rLength + 2);
  const joined = Buffer.alloc(2 * COORDINATE_BYTES);
  for (const [integer, end] of [
    [r, COORDINATE_BYTES],
    [s, 2 * COORDINATE_BYTES],
  ] as const) {
    const bytes = integer.subarray(-COORDINATE_BYTES);
    bytes.copy(joined, end - bytes.length);
  }
  return joined;
}
