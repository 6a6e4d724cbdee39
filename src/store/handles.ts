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
