/**
 * Sessions read from Redis, decided by PostgreSQL. What changes a session (sign-in, step-up, a new
 * site, an end) is written to its row at once; a visit that changes nothing only prolongs the copy,
 * and reaches the row every five minutes.
 *
 * A copy is used only while the change feed trusts its version: a replaced handle and an ended
 * session are gone there, so no copy of them counts, whatever Redis lost or brought back.
 *
 * Idle time. While its copy lives, a session lives to the second as long as its last visit says.
 * The row knows visits of up to five minutes before: when the copy is lost, the session ends up to
 * five minutes early. Never late: a later end than the row's is only believed from a trusted copy.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#lib/clock.ts';
import { HORIZON_SECONDS, type ChangeFeed } from './change-feed.ts';
import { hashOf } from './handles.ts';
import type { PostgresSessionStore, StoredSession, Written } from './postgres-session-store.ts';
import type { Payload } from './record-store.ts';
import type { SessionCopies } from './redis/session-copies.ts';
import type { SaveOutcome, SaveSession, SessionRecord, SessionStore } from './session-store.ts';

/** Visits reach the row at most this often. */
export const VISIT_SECONDS = 300;

export interface CachedSessionParts {
  readonly durable: PostgresSessionStore;
  readonly copies: SessionCopies;
  readonly feed: Pick<ChangeFeed, 'isTrusted'>;
  readonly clock: Clock;
}

export class CachedSessionStore implements SessionStore {
  readonly #durable: PostgresSessionStore;
  readonly #copies: SessionCopies;
  readonly #feed: CachedSessionParts['feed'];
  readonly #clock: Clock;
  /** What requests under way have read, by the `sites` that they hand back as found. */
  readonly #read = new WeakMap<object, StoredSession>();

  constructor({ durable, copies, feed, clock }: CachedSessionParts) {
    this.#durable = durable;
    this.#copies = copies;
    this.#feed = feed;
    this.#clock = clock;
  }

  async findByHandle(handle: string): Promise<SessionRecord | undefined> {
    const hash = hashOf(handle);
    const stored = (await this.#trustedCopy(hash)) ?? (await this.#readRow(handle, hash));
    if (stored) this.#read.set(stored.record.sites, stored);
    return stored?.record;
  }

  async save(change: SaveSession): Promise<SaveOutcome> {
    const read = change.found && this.#read.get(change.found.sites);
    const isVisit = read !== undefined && isMereVisit(change, read.record);
    if (isVisit && (await this.#prolong(change, read))) return 'saved';
    const written = await this.#durable.write(change, { isVisit, aliveUntil: read?.expiresAt });
    const expected = isVisit ? read.version : expectedVersion(change, read);
    if (written.outcome === 'saved') {
      await this.#follow(change, written, written.version === expected);
    }
    return written.outcome;
  }

  findByUid(uid: string) {
    return this.#durable.findByUid(uid);
  }

  listOf(accountId: string) {
    return this.#durable.listOf(accountId);
  }

  end(uid: string) {
    return this.#durable.end(uid);
  }

  endAllOf(accountId: string, exceptUid?: string) {
    return this.#durable.endAllOf(accountId, exceptUid);
  }

  endBeyond(accountId: string, keep: number) {
    return this.#durable.endBeyond(accountId, keep);
  }

  sweep(limit: number) {
    return this.#durable.sweep(limit);
  }

  async #trustedCopy(hash: Buffer): Promise<StoredSession | undefined> {
    const copy = await this.#copies.find(hash);
    if (!copy || !this.#isTrusted(hash, copy.version)) return undefined;
    const now = this.#clock.nowSeconds();
    // The feed forgets what is older than any copy may be.
    if (copy.expiresAt <= now || copy.confirmedAt + HORIZON_SECONDS <= now) return undefined;
    return { ...copy, record: expiringAt(copy.record, copy.expiresAt) };
  }

  async #readRow(handle: string, hash: Buffer): Promise<StoredSession | undefined> {
    const confirmedAt = this.#clock.nowSeconds();
    const stored = await this.#durable.read(handle);
    // Nobody waits for it; commands of one key keep their order.
    if (stored) void this.#copies.keep(hash, { ...stored, confirmedAt });
    return stored;
  }

  /** A visit needs no write to the row while a good copy notes it and the row is recent. */
  async #prolong({ handle = '', lifetimeSeconds }: SaveSession, read: StoredSession) {
    const hash = hashOf(handle);
    const now = this.#clock.nowSeconds();
    if (read.usedAt + VISIT_SECONDS <= now || read.expiresAt <= now) return false;
    if (!this.#isTrusted(hash, read.version)) return false;
    return await this.#copies.prolong(hash, now + lifetimeSeconds);
  }

  /**
   * @param isKnown - the row is as this request wrote it; otherwise a concurrent one wrote as well,
   *   and the next reader makes the copy of what both made of it
   */
  async #follow(change: SaveSession, { version = 0 }: Written, isKnown: boolean) {
    const { session, found, handle, lifetimeSeconds } = change;
    if (handle === undefined) return;
    const work: Promise<void>[] = [];
    if (found?.handle !== undefined && found.handle !== handle) {
      work.push(this.#copies.drop(hashOf(found.handle)));
    }
    if (isKnown) {
      const now = this.#clock.nowSeconds();
      const stored = { record: session, version, usedAt: now, expiresAt: now + lifetimeSeconds };
      this.#read.set(session.sites, stored);
      work.push(this.#copies.keep(hashOf(handle), { ...stored, confirmedAt: now }));
    }
    await Promise.all(work);
  }

  #isTrusted(hash: Buffer, version: number): boolean {
    return this.#feed.isTrusted('session', hash.toString('hex'), version);
  }
}

/** The version that the row has when nobody but this request wrote it since it was read. */
function expectedVersion({ found }: SaveSession, read: StoredSession | undefined) {
  if (!found) return 1;
  return read && read.version + 1;
}

/** Nothing differs from what was read but the end, which every visit moves. */
function isMereVisit(
  { session, found, handle, commit }: SaveSession,
  read: SessionRecord,
): boolean {
  return (
    commit === undefined &&
    handle !== undefined &&
    handle === found?.handle &&
    session.accountId === read.accountId &&
    isDeepStrictEqual(session.sites, read.sites) &&
    isDeepStrictEqual(withoutEnd(session.payload), withoutEnd(read.payload))
  );
}

const withoutEnd = (payload: Payload) =>
  Object.fromEntries(
    Object.entries(payload).filter(([name, value]) => name !== 'exp' && value !== undefined),
  );

/** The library checks `exp` itself; in the copy it is as old as the row. */
const expiringAt = (record: SessionRecord, expiresAt: number): SessionRecord =>
  record.payload['exp'] === undefined
    ? record
    : { ...record, payload: { ...record.payload, exp: expiresAt } };
