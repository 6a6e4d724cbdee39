/**
 * Blind indexes: look-up and uniqueness over values that are stored only sealed. HMAC-SHA-256 under
 * a key used for nothing else, over a domain and the normalized value; form `<kid>.<base64url>`.
 */
import { createHmac } from 'node:crypto';
import type { PurposeKeys, SecretKey } from './key-ring.ts';

export class BlindIndex {
  readonly #keys: PurposeKeys;

  constructor(keys: PurposeKeys) {
    this.#keys = keys;
  }

  /**
   * The index of a value for storing.
   *
   * @param domain - keeps equal values of different kinds apart, e.g. `phone`, `document:resident_id`
   * @param normalized - already folded; two spellings of one value must arrive the same
   */
  of(domain: string, normalized: string): string {
    return indexUnder(this.#keys.current(), domain, normalized);
  }

  /** The index under every live key, newest first: during a rotation old rows still carry the old. */
  candidates(domain: string, normalized: string): string[] {
    return this.#keys.all().map((key) => indexUnder(key, domain, normalized));
  }
}

function indexUnder({ kid, secret }: SecretKey, domain: string, normalized: string): string {
  const mac = createHmac('sha256', secret).update(JSON.stringify([domain, normalized]), 'utf8');
  return `${kid}.${mac.digest('base64url')}`;
}
