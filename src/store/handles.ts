/**
 * How handles (codes, tokens, cookie values, ids of grants) look in a database: SHA-256, nothing
 * else. They carry at least 128 random bits, so a plain hash cannot be reversed; user codes are
 * shorter and live for minutes.
 */
import { createHash } from 'node:crypto';

/** SHA-256 of a handle, 32 bytes. */
export const hashOf = (handle: string): Buffer => createHash('sha256').update(handle).digest();

/** SHA-256 of an optional handle; null is a column's "none". */
export const hashOrNull = (handle: unknown): Buffer | null =>
  typeof handle === 'string' ? hashOf(handle) : null;

/**
 * Opaque handles of tokens and codes begin with a tag of their Grant (oidc/patches.ts), so that both
 * lie in one slot of a Redis Cluster and are read together. The tag is no secret: 96 bits of the
 * grant id's hash. What follows it is the library's handle of 256 random bits.
 */
const TAG_LENGTH = 16;
/** With or without the letter of its kind in front (oidc/handle-kinds.ts). */
const TAGGED = /^(?:[a-z]\.)?([\w-]{16})[\w-]{43}$/;

export const tagOf = (grantHash: Buffer): string =>
  grantHash.toString('base64url').slice(0, TAG_LENGTH);

/** @param handle - 43 characters of base64url's alphabet */
export const withTag = (grantId: string, handle: string): string => tagOf(hashOf(grantId)) + handle;

/** The tag of a handle that has one. Whoever presents a handle chooses what is in it. */
export const tagIn = (handle: string): string | undefined => TAGGED.exec(handle)?.[1];
