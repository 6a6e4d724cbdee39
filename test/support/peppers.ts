/** Pepper keys for tests. */
import { createHash, createSecretKey } from 'node:crypto';
import type { PepperKey, PepperKeys } from '#authenticators/password/pepper.ts';

/** The same key for the same id, every time. */
export function pepperKey(kid: string): PepperKey {
  return { kid, secret: createSecretKey(createHash('sha256').update(kid).digest()) };
}

/** Keys by id, the first one current. */
export function pepperKeys(...kids: [string, ...string[]]): PepperKeys {
  return {
    current: () => pepperKey(kids[0]),
    find: (kid) => (kids.includes(kid) ? pepperKey(kid) : undefined),
  };
}
