/** The families of foreign hashes that accounts may bring along; a new one is a file and a line. */
import { argon2id } from './argon2id.ts';
import { bcrypt } from './bcrypt.ts';
import type { ForeignHash, HashFamily, HashObjection } from './family.ts';
import { pbkdf2 } from './pbkdf2.ts';
import { saltedDigest } from './salted-digest.ts';

const FAMILIES: readonly HashFamily[] = [argon2id, bcrypt, pbkdf2, saltedDigest];

/** Takes a foreign hash apart; nothing is hashed. docs/operating.md lists the forms. */
export function readForeignHash(text: string): ForeignHash | HashObjection {
  for (const family of FAMILIES) {
    const parts = family.read(text);
    if (parts === 'too_costly') return parts;
    if (parts !== 'unknown_form') return { family: family.id, ...parts };
  }
  return 'unknown_form';
}

/**
 * What the other system would have computed. Synchronous: for a hashing thread.
 *
 * @throws Error when there is no such family or the parameters are not its own
 */
export function deriveForeign(
  { family: id, parameters, salt }: Omit<ForeignHash, 'output'>,
  password: string,
): Buffer {
  const family = FAMILIES.find((one) => one.id === id);
  if (!family) throw new Error(`no such family of hashes: ${id}`);
  return family.derive(password, parameters, salt);
}
