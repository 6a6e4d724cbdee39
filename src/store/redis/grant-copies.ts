/**
 * Copies of grants in Redis, in the slot of the tokens that they switch. A copy is used only while
 * the change feed trusts its version: a revocation holds although a copy comes back from a failover
 * that lost its last writes. Without a good copy the row is read.
 */
import type { Logger } from 'pino';
import type { Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import type { ChangeFeed } from '#store/change-feed.ts';
import { hashOf } from '#store/handles.ts';
import { packPayload, unpackPayload } from '#store/record-cells.ts';
import type { FoundGrant, PostgresRecordStore } from '#store/postgres-record-store.ts';
import type { Commit, Payload, StoredPayload } from '#store/record-store.ts';
import type { RedisLink } from './connection.ts';
import type { RecordKeys } from './record-keys.ts';

/** A token's life by default; much shorter than the feed remembers what changed. */
const COPY_SECONDS = 300;

export interface GrantCopiesParts {
  readonly redis: RedisLink;
  readonly keys: RecordKeys;
  readonly durable: PostgresRecordStore;
  readonly feed: Pick<ChangeFeed, 'isTrusted'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Copy {
  /** Version of the row. */
  readonly v: number;
  /**
   * Unix seconds: when the copy ends, soon after its row was read. The key's expiry says the same,
   * but by Redis's clock, and a copy may come back or be written late.
   */
  readonly e: number;
  /** Payload as packPayload makes it. */
  readonly p: string;
}

export class GrantCopies {
  readonly #parts: GrantCopiesParts;

  constructor(parts: GrantCopiesParts) {
    this.#parts = parts;
  }

  async put(
    grantId: string,
    payload: Payload,
    lifetimeSeconds: number,
    commit?: Commit,
  ): Promise<void> {
    const { durable, clock } = this.#parts;
    const readAt = clock.nowSeconds();
    const version = await durable.putGrant(grantId, payload, lifetimeSeconds, commit);
    if (version === undefined) return;
    await this.#keep(grantId, { payload, version, expiresAt: readAt + lifetimeSeconds }, readAt);
  }

  /** @param bytes - the copy, when it was read along with a token */
  async find(grantId: string, bytes?: Buffer | null): Promise<StoredPayload | undefined> {
    const copy = bytes === undefined ? await this.#read(grantId) : bytes;
    return this.#trusted(grantId, copy) ?? (await this.#refresh(grantId));
  }

  /** Takes copies away, so that nobody has to wait for the feed. */
  async drop(grantHashes: readonly Buffer[]): Promise<void> {
    const { redis, keys } = this.#parts;
    await Promise.all(
      grantHashes.map((hash) =>
        redis.run((client) => client.unlink(keys.grant(hash))).catch(() => undefined),
      ),
    );
  }

  async #read(grantId: string): Promise<Buffer | null> {
    const { redis, keys } = this.#parts;
    const key = keys.grant(hashOf(grantId));
    return await redis.run((client) => client.getBuffer(key)).catch(() => null);
  }

  #trusted(grantId: string, bytes: Buffer | null): StoredPayload | undefined {
    if (bytes === null) return undefined;
    const { feed, clock } = this.#parts;
    const copy = this.#open(grantId, bytes);
    if (!copy || copy.e <= clock.nowSeconds()) return undefined;
    if (!feed.isTrusted('grant', hashOf(grantId).toString('hex'), copy.v)) return undefined;
    return unpackPayload(copy.p, grantId);
  }

  async #refresh(grantId: string): Promise<StoredPayload | undefined> {
    const { durable, clock } = this.#parts;
    const readAt = clock.nowSeconds();
    const found = await durable.findGrant(grantId);
    if (!found) return undefined;
    await this.#keep(grantId, found, readAt);
    return found.payload;
  }

  /**
   * A copy lives no longer than the row; what Redis does not take is read from the row next time.
   *
   * @param readAt - Unix seconds before the row was read: the feed knows all changes since then
   */
  async #keep(grantId: string, found: FoundGrant, readAt: number): Promise<void> {
    const { redis, keys, sealer, clock } = this.#parts;
    const { payload, version, expiresAt } = found;
    const end = Math.min(readAt + COPY_SECONDS, expiresAt);
    const seconds = end - clock.nowSeconds();
    if (seconds <= 0) return;
    const copy: Copy = { v: version, e: end, p: packPayload(grantId, payload) };
    const bytes = sealer.sealBytes(JSON.stringify(copy), placeOf(grantId));
    const key = keys.grant(hashOf(grantId));
    await redis.run((client) => client.set(key, bytes, 'EX', seconds)).catch(() => undefined);
  }

  /** What does not open (another grant of the same tag, a key that is gone) is no copy. */
  #open(grantId: string, bytes: Buffer): Copy | undefined {
    const { sealer, log } = this.#parts;
    try {
      return JSON.parse(sealer.openBytes(bytes, placeOf(grantId))) as Copy;
    } catch (error) {
      log.warn({ err: error }, 'a copy of a grant does not open');
      return undefined;
    }
  }
}

/** Unlike the key's name, all of the hash: the copy of another grant does not open. */
const placeOf = (grantId: string) => `grant.${hashOf(grantId).toString('base64url')}`;
