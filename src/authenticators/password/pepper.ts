/**
 * The pepper: a secret that a stolen database lacks. Passwords reach Argon2id only as an HMAC under
 * it, which also makes every byte count: 43 plain characters, whatever the password holds.
 */
import { createHmac, type KeyObject } from 'node:crypto';

export interface PepperKey {
  /** Key id as it stands in front of a stored hash: letters, digits, `-`, `_`, `.`; never `$`. */
  readonly kid: string;
  readonly secret: KeyObject;
}

/** The pepper keys that this server holds. */
export interface PepperKeys {
  /** The key for new hashes. */
  current(): PepperKey;
  /** An earlier (or the current) key by its id. */
  find(kid: string): PepperKey | undefined;
}

/**
 * HMAC-SHA-256 of the password's UTF-8 bytes in NFC (RFC 8265 §4.2: one spelling per character).
 *
 * @returns base64url, because the Argon2 library verifies text only
 */
export function pepper(password: string, key: PepperKey): string {
  return createHmac('sha256', key.secret)
    .update(password.normalize('NFC'), 'utf8')
    .digest('base64url');
}
