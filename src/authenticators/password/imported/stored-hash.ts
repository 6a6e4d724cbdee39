/**
 * What is stored for an imported hash until its owner signs in: `<kid>$imported$<family>$<parameters>$
 * <salt>$<mac>`, where the mac is an HMAC-SHA-256 of the hash under the pepper. Nothing in the
 * database can be compared with a guess without the pepper, however fast the foreign hash is.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PepperKey } from '#authenticators/password/pepper.ts';
import type { ForeignHash } from './family.ts';

const MARK = '$imported$';
const LABEL = 'yirentong imported password hash';

/** Whether what follows the pepper's key id is an imported hash. */
export const isImported = (encoded: string) => encoded.startsWith(MARK);

/** @returns what to store */
export function storedForm(hash: ForeignHash, key: PepperKey): string {
  const { family, parameters, salt, output } = hash;
  const parts = [
    family,
    parameters,
    salt.toString('base64'),
    macOf(output, key).toString('base64'),
  ];
  return `${key.kid}${MARK}${parts.join('$')}`;
}

/** How to recompute an imported hash: all but the password. */
export function recipeOf(encoded: string): Omit<ForeignHash, 'output'> {
  const [family = '', parameters = '', salt = ''] = encoded.slice(MARK.length).split('$');
  return { family, parameters, salt: Buffer.from(salt, 'base64') };
}

/** Whether a recomputed output is the one that was imported. */
export function matchesStored(encoded: string, output: Buffer, key: PepperKey): boolean {
  const mac = Buffer.from(encoded.slice(encoded.lastIndexOf('$') + 1), 'base64');
  const expected = macOf(output, key);
  return mac.length === expected.length && timingSafeEqual(mac, expected);
}

const macOf = (output: Buffer, key: PepperKey) =>
  createHmac('sha256', key.secret).update(`${LABEL}\0`).update(output).digest();
