/**
 * Copies of sessions in Redis, one key each, named by the hash of the cookie's value and sealed for
 * that name. The key's own expiry is the session's: a visit prolongs it and writes nothing else.
 * Redis may lose, keep or bring back what it likes: cached-session-store.ts decides what a copy is
 * worth.
 */
import type { Sealer } from '#crypto/sealing.ts';
import type { SessionRecord } from '#store/session-store.ts';
import type { RedisCommands, RedisLink } from './connection.ts';

export interface SessionCopy {
  readonly record: SessionRecord;
  /** Of the row that it was made from. */
  readonly version: number;
  /** Unix seconds of the last visit that was written to the row. */
  readonly usedAt: number;
  /** Unix seconds: the row was as this copy says at that time or later. */
  readonly confirmedAt: number;
  /** Unix seconds; the key's expiry, not a part of the sealed text. */
  readonly expiresAt: number;
}

export class SessionCopies {
  readonly #redis: RedisLink;
  readonly #sealer: Sealer;

  constructor({ redis, sealer }: { redis: RedisLink; sealer: Sealer }) {
    this.#redis = redis;
    this.#sealer = sealer;
  }

  /** One round trip. Undefined without a copy, one that opens, or Redis. */
  async find(hash: Buffer): Promise<SessionCopy | undefined> {
    const key = this.#key(hash);
    try {
      const [sealed, expiresAt] = await this.#redis.run((redis) =>
        Promise.all([redis.getBuffer(key), redis.expiretime(key)]),
      );
      // It may expire between the two commands.
      if (sealed === null || expiresAt <= 0) return undefined;
      const text = this.#sealer.openBytes(sealed, key);
      return { ...(JSON.parse(text) as Omit<SessionCopy, 'expiresAt'>), expiresAt };
    } catch {
      return undefined;
    }
  }

  /** Never rejects: without its copy a session is read from the database. */
  async keep(hash: Buffer, { expiresAt, ...copy }: SessionCopy): Promise<void> {
    const key = this.#key(hash);
    const sealed = this.#sealer.sealBytes(JSON.stringify(copy), key);
    await this.#quietly((redis) => redis.set(key, sealed, 'EXAT', expiresAt));
  }

  /** @returns false when there is no copy, or no Redis: the visit must be written elsewhere */
  async prolong(hash: Buffer, expiresAt: number): Promise<boolean> {
    const done = await this.#quietly((redis) => redis.expireat(this.#key(hash), expiresAt));
    return done === 1;
  }

  async drop(hash: Buffer): Promise<void> {
    await this.#quietly((redis) => redis.unlink(this.#key(hash)));
  }

  async #quietly<T>(work: (redis: RedisCommands) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#redis.run(work);
    } catch {
      return undefined;
    }
  }

  #key(hash: Buffer): string {
    return `${this.#redis.prefix}s:${hash.toString('base64url')}`;
  }
}
