/**
 * Secrets of confidential clients: made of 256 random bits, shown once, kept as a keyed hash. A
 * slow hash would let anyone stall the token endpoint, and brings nothing to a random secret.
 */
import { createHmac, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { PurposeKeys } from '#crypto/key-ring.ts';

export class ClientSecrets {
  readonly #keys: PurposeKeys;

  constructor(keys: PurposeKeys) {
    this.#keys = keys;
  }

  /** A new secret, base64url: no character that HTTP Basic would need to encode. */
  generate(): string {
    return randomBytes(32).toString('base64url');
  }

  /** `<kid>.<HMAC-SHA-256 in base64url>` */
  hash(secret: string): string {
    const { kid, secret: key } = this.#keys.current();
    return `${kid}.${mac(key, secret)}`;
  }

  /** Constant time in the secret; false for a hash under a key that is not here. */
  matches(hash: string, secret: string): boolean {
    const [kid = '', stored = ''] = hash.split('.');
    const key = this.#keys.find(kid);
    if (!key) return false;
    const given = Buffer.from(mac(key.secret, secret));
    const expected = Buffer.from(stored);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}

const mac = (key: KeyObject, secret: string) =>
  createHmac('sha256', key).update(secret, 'utf8').digest('base64url');
