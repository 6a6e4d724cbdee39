/**
 * Hashes that other systems made, for accounts that are imported with them: one file per family,
 * all listed in hash-families.ts. Each bounds what one check may cost, because whoever signs in makes
 * us pay it.
 */

/** A hash of another system, taken apart. */
export interface ForeignHash {
  /** Id of the family. */
  readonly family: string;
  /** All that `derive` needs beside the salt, in the family's own words; without `$`. */
  readonly parameters: string;
  readonly salt: Buffer;
  /** What the other system compared. */
  readonly output: Buffer;
}

/** Why a text is not taken: no known form, or a check would cost more than about a second. */
export type HashObjection = 'unknown_form' | 'too_costly';

export interface HashFamily {
  readonly id: string;
  /** Takes a text apart; `unknown_form` when it is not of this family. */
  read(text: string): Omit<ForeignHash, 'family'> | HashObjection;
  /**
   * What the other system would have computed for a password. Synchronous: for a hashing thread.
   *
   * @throws Error when the parameters are none that `read` gives
   */
  derive(password: string, parameters: string, salt: Buffer): Buffer;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Bytes of base64 with or without padding; undefined when it is none. */
export function base64Bytes(text: string): Buffer | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** Longer salts and outputs are no password hash. */
const MAX_BYTES = 128;

export const isReasonable = (bytes: Buffer | undefined, min: number): bytes is Buffer =>
  bytes !== undefined && bytes.length >= min && bytes.length <= MAX_BYTES;
