/**
 * The record store on Redis and PostgreSQL together (contract: record-store.ts). What expires in
 * minutes is in Redis; grants, refresh tokens and use marks are rows, whose promises hold whatever
 * Redis loses: single use is decided by a mark, revocation by the grant's row and the change feed.
 *
 * When Redis does not answer, the same call goes on in PostgreSQL, which holds the same models, and
 * the change feed tells all nodes to look there as well.
 */
import type { Logger } from 'pino';
import { SealBroken, type Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import type { ChangeFeed } from '#store/change-feed.ts';
import { hashOf } from '#store/handles.ts';
import type { PostgresRecordStore } from '#store/postgres-record-store.ts';
import { packPayload, unpackPayload } from '#store/record-cells.ts';
import type {
  Commit,
  ConsumeOutcome,
  GrantChoice,
  FoundRecord,
  Payload,
  RecordModel,
  RecordStore,
  StoredPayload,
} from '#store/record-store.ts';
import { RedisUnavailable } from './breaker.ts';
import type { RedisLink } from './connection.ts';
import { GrantCopies } from './grant-copies.ts';
import { Overflow } from './overflow.ts';
import { isVolatile, RecordKeys, type VolatileModel } from './record-keys.ts';

export interface RedisRecordStoreParts {
  readonly redis: RedisLink;
  readonly durable: PostgresRecordStore;
  readonly feed: ChangeFeed;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Life of the longest-lived record that belongs in Redis. */
  readonly longestSeconds: number;
  /** `durable.lastVolatileEnd()` when this process started. */
  readonly leftUntil: number;
}

/** Clocks of nodes differ: a mark outlives what it marks. */
const MARK_RESERVE_SECONDS = 60;
/** Tokens that a site may revoke; that must hold although Redis forgets it. */
const REVOCABLE: ReadonlySet<RecordModel> = new Set([
  ...(['AccessToken', 'ClientCredentials'] as const),
  ...(['InitialAccessToken', 'RegistrationAccessToken'] as const),
]);
/** Written again while they live, when the person has decided. */
const REWRITTEN: ReadonlySet<RecordModel> = new Set([
  ...(['BackchannelAuthenticationRequest', 'DeviceCode'] as const),
]);
const REMOVED = 'removed';

/** A record as Redis holds it. */
interface Opened {
  readonly payload: Payload;
  /** The bytes of its Grant's copy: null when there was none, undefined when it was not asked. */
  readonly grantBytes: Buffer | null | undefined;
}

export class RedisRecordStore implements RecordStore {
  readonly #parts: RedisRecordStoreParts;
  readonly #keys: RecordKeys;
  readonly #grants: GrantCopies;
  readonly #overflow: Overflow;

  constructor(parts: RedisRecordStoreParts) {
    this.#parts = parts;
    this.#keys = new RecordKeys(parts.redis.prefix);
    this.#grants = new GrantCopies({ ...parts, keys: this.#keys });
    this.#overflow = new Overflow(parts.feed, parts);
  }

  async put(model: RecordModel, handle: string, payload: Payload, lifetimeSeconds: number) {
    const { durable } = this.#parts;
    if (model === 'Grant') {
      await this.#grants.put(handle, payload, lifetimeSeconds);
      return;
    }
    if (isVolatile(model)) {
      const isWritten = await this.#orNull(() =>
        this.#write(model, handle, payload, lifetimeSeconds),
      );
      if (isWritten !== null) {
        if (this.#mayBeNewerInPostgres(model)) await durable.remove(model, handle);
        return;
      }
      await this.#overflow.announce();
    }
    await durable.put(model, handle, payload, lifetimeSeconds);
  }

  async putGrant(grantId: string, payload: Payload, lifetimeSeconds: number, commit: Commit) {
    await this.#grants.put(grantId, payload, lifetimeSeconds, commit);
  }

  async find(model: RecordModel, handle: string) {
    return (await this.findWithGrant(model, handle))?.payload;
  }

  async findWithGrant(model: RecordModel, handle: string): Promise<FoundRecord | undefined> {
    const { durable } = this.#parts;
    if (model === 'Grant') {
      const payload = await this.#grants.find(handle);
      return payload && { payload };
    }
    if (!isVolatile(model)) return await durable.findWithGrant(model, handle);
    if (this.#mayBeNewerInPostgres(model)) {
      const found = await durable.findWithGrant(model, handle);
      if (found) return found;
    }
    try {
      const opened = await this.#read(model, handle);
      if (opened) return await this.#withGrant(opened);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return (await durable.findWithGrant(model, handle)) ?? (await this.#askAgain(model, handle));
    }
    if (!this.#overflow.mayHaveRecords) return undefined;
    return await durable.findWithGrant(model, handle);
  }

  /** What Redis did not take was written there; Redis still has what was before. */
  #mayBeNewerInPostgres(model: VolatileModel): boolean {
    return REWRITTEN.has(model) && this.#overflow.mayHaveRecords;
  }

  /** A single answer that was lost or late must not turn a record into one that never was. */
  async #askAgain(model: VolatileModel, handle: string): Promise<FoundRecord | undefined> {
    if (!this.#parts.redis.isAvailable) return undefined;
    const opened = await this.#orNull(() => this.#read(model, handle));
    return opened ? await this.#withGrant(opened) : undefined;
  }

  async findByUserCode(model: RecordModel, userCode: string) {
    if (!isVolatile(model)) return undefined;
    const { redis, durable } = this.#parts;
    const key = this.#keys.userCode(model, userCode);
    const bytes = await this.#orNull(() => redis.run((client) => client.getBuffer(key)));
    const handle = bytes && this.#openText(bytes, key);
    const found = handle ? await this.find(model, handle) : undefined;
    return found ?? (await durable.findByUserCode(model, userCode));
  }

  async consume(
    model: RecordModel,
    handle: string,
    found?: StoredPayload,
  ): Promise<ConsumeOutcome> {
    const { durable, clock, longestSeconds } = this.#parts;
    if (!isVolatile(model)) return await durable.consume(model, handle);
    const payload = found ?? (await this.find(model, handle));
    if (!payload) return 'absent';
    if (payload.consumed !== undefined) return 'already_used';
    // A node that runs without Redis takes no mark: its row says whether it was used.
    if (this.#overflow.mayHaveRecords) {
      if ((await durable.consume(model, handle)) === 'already_used') return 'already_used';
    }
    const latestEnd = clock.nowSeconds() + longestSeconds;
    const { exp } = payload;
    const end = typeof exp === 'number' ? Math.min(exp, latestEnd) : latestEnd;
    const until = Math.max(end, clock.nowSeconds()) + MARK_RESERVE_SECONDS;
    return (await durable.useOnce(`used:${model}`, handle, until)) ? 'used' : 'already_used';
  }

  async rotate(usedHandle: string, handle: string, payload: Payload, lifetimeSeconds: number) {
    return await this.#parts.durable.rotate(usedHandle, handle, payload, lifetimeSeconds);
  }

  async remove(model: RecordModel, handle: string) {
    const { durable } = this.#parts;
    if (!isVolatile(model)) {
      await (model === 'Grant' ? this.revokeGrant(handle) : durable.remove(model, handle));
      return;
    }
    if (REVOCABLE.has(model)) await this.#forget(model, handle);
    const { redis } = this.#parts;
    const key = this.#keys.record(model, handle);
    const removed = await this.#orNull(() => redis.run((client) => client.unlink(key)));
    // It is still there, and there again when Redis is back.
    if (removed === null && !REVOCABLE.has(model)) await this.#forget(model, handle);
    if (this.#overflow.mayHaveRecords) await durable.remove(model, handle);
  }

  async revokeGrant(grantId: string) {
    const isRevoked = await this.#parts.durable.revokeGrant(grantId);
    await this.#grants.drop([hashOf(grantId)]);
    return isRevoked;
  }

  async revokeGrantsOf(accountId: string, chosen?: GrantChoice) {
    // Copies of them are not trusted from here on, and elsewhere as soon as the feed is read.
    return await this.#parts.durable.revokeGrantsOf(accountId, chosen);
  }

  async useOnce(scope: string, value: string, expiresAt: number) {
    return await this.#parts.durable.useOnce(scope, value, expiresAt);
  }

  async sweep(limit: number) {
    return await this.#parts.durable.sweep(limit);
  }

  async #write(model: VolatileModel, handle: string, payload: Payload, lifetimeSeconds: number) {
    const { redis, sealer, clock } = this.#parts;
    const key = this.#keys.record(model, handle);
    // The exact end is inside: Redis counts from when it is asked, by a clock of its own.
    const end = clock.nowSeconds() + lifetimeSeconds;
    const bytes = sealer.sealBytes(`${end} ${packPayload(handle, payload)}`, key);
    const writes = [
      redis.run((client) => client.set(key, bytes, 'PX', lifetimeSeconds * 1000)),
      this.#writeUserCode(model, handle, payload, lifetimeSeconds),
    ];
    await Promise.all(writes);
  }

  async #writeUserCode(
    model: VolatileModel,
    handle: string,
    { userCode }: Payload,
    lifetimeSeconds: number,
  ) {
    if (typeof userCode !== 'string') return;
    const { redis, sealer } = this.#parts;
    const key = this.#keys.userCode(model, userCode);
    const bytes = sealer.sealBytes(handle, key);
    await redis.run((client) => client.set(key, bytes, 'PX', lifetimeSeconds * 1000));
  }

  /** A record and the copy of its Grant, when the handle names the Grant's slot: one round trip. */
  async #read(model: VolatileModel, handle: string): Promise<Opened | undefined> {
    const { redis, clock } = this.#parts;
    const key = this.#keys.record(model, handle);
    const grantKey = this.#keys.grantOf(handle);
    const [bytes, grantBytes] = await redis.run(async (client) =>
      grantKey === undefined
        ? [await client.getBuffer(key), undefined]
        : await client.mgetBuffer(key, grantKey),
    );
    const text = bytes ? this.#openText(bytes, key) : undefined;
    if (text === undefined || (await this.#wasForgotten(model, handle))) return undefined;
    const space = text.indexOf(' ');
    if (Number(text.slice(0, space)) <= clock.nowSeconds()) return undefined;
    return { payload: unpackPayload(text.slice(space + 1), handle), grantBytes };
  }

  /** Every model in Redis follows its Grant, if it has one. */
  async #withGrant({ payload, grantBytes }: Opened): Promise<FoundRecord | undefined> {
    const { grantId } = payload;
    if (typeof grantId !== 'string') return { payload };
    const grant = await this.#grants.find(grantId, grantBytes);
    return grant && { payload, grant };
  }

  /** A removal that Redis may lose, for as long as the record may live. */
  async #forget(model: VolatileModel, handle: string): Promise<void> {
    const { durable, feed, clock, longestSeconds } = this.#parts;
    const until = clock.nowSeconds() + longestSeconds + MARK_RESERVE_SECONDS;
    await durable.useOnce(REMOVED, `${model} ${handle}`, until);
    const key = hashOf(`${model} ${handle}`).toString('hex');
    await feed.publish([{ kind: 'record', key, version: 'gone' }]);
  }

  async #wasForgotten(model: VolatileModel, handle: string): Promise<boolean> {
    const { durable, feed } = this.#parts;
    const key = hashOf(`${model} ${handle}`).toString('hex');
    if (feed.isTrusted('record', key, 0)) return false;
    // Gone, or a stale feed: the mark tells which.
    return await durable.wasUsed(REMOVED, `${model} ${handle}`);
  }

  /** What does not open is not there: the key that sealed it may be gone. */
  #openText(bytes: Buffer, key: string): string | undefined {
    try {
      return this.#parts.sealer.openBytes(bytes, key);
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      this.#parts.log.warn({ err: error }, 'a record in Redis does not open');
      return undefined;
    }
  }

  async #orNull<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RedisUnavailable) return null;
      throw error;
    }
  }
}
