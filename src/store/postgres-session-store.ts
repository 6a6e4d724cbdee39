/**
 * The session store on PostgreSQL, embedded or server (contract and reasons: session-store.ts).
 * Finding and saving are one statement each (session-sql.ts); ending is in session-ending.ts.
 *
 * Every save writes the row and announces what copies must know. The cache in front
 * (cached-session-store.ts) leaves out most visits; what it needs beyond the contract is `read` and
 * `write`.
 */
import type { Knex } from 'knex';
import type { Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import type { ChangeFeed } from './change-feed.ts';
import type { Change } from './change-log.ts';
import { TOMBSTONE_SECONDS } from './grants.ts';
import { hashOf, hashOrNull } from './handles.ts';
import { currentSecond, fromUnix, secondsAfter, toUnix } from './moments.ts';
import { SessionCells, type SealedSite } from './session-cells.ts';
import { endSessions } from './session-ending.ts';
import {
  CREATE_SESSION,
  FIND_BY_HANDLE,
  FIND_BY_UID,
  SITES_OF_SESSION,
  UPDATE_SESSION,
  type FoundRow,
  type Saved,
} from './session-sql.ts';
import type {
  SaveOutcome,
  SaveSession,
  SessionRecord,
  SessionStore,
  SessionSummary,
} from './session-store.ts';

interface ListedRow {
  uid_hash: Buffer;
  payload_sealed: string;
  origin_sealed: string | null;
  signed_in_at: Date | null;
  last_used_at: Date;
  expires_at: Date;
  sites: readonly SealedSite[];
}

export interface PostgresSessionParts {
  readonly db: Knex;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly feed: Pick<ChangeFeed, 'apply' | 'publish'>;
}

/** A session with what tells a copy of it from a newer row. */
export interface StoredSession {
  readonly record: SessionRecord;
  readonly version: number;
  /** Unix seconds of the last visit that was written here. */
  readonly usedAt: number;
  /** Unix seconds. */
  readonly expiresAt: number;
}

export interface WriteOptions {
  /** Nothing but the time of the visit changes: copies stay good, no version is used up. */
  readonly isVisit: boolean;
  /** Until when (Unix seconds) a trusted copy says that the session lives. */
  readonly aliveUntil: number | undefined;
}

export interface Written {
  readonly outcome: SaveOutcome;
  /** Of the row from now on; undefined when there is none. */
  readonly version: number | undefined;
}

export class PostgresSessionStore implements SessionStore {
  readonly #db: Knex;
  readonly #cells: SessionCells;
  readonly #clock: Clock;
  readonly #feed: PostgresSessionParts['feed'];

  constructor({ db, sealer, clock, feed }: PostgresSessionParts) {
    this.#db = db;
    this.#cells = new SessionCells(sealer);
    this.#clock = clock;
    this.#feed = feed;
  }

  async save(change: SaveSession): Promise<SaveOutcome> {
    return (await this.write(change)).outcome;
  }

  async write(
    change: SaveSession,
    { isVisit, aliveUntil }: WriteOptions = { isVisit: false, aliveUntil: undefined },
  ): Promise<Written> {
    const { session, found, handle } = change;
    if (!found && handle === undefined) throw new Error('A new session needs a handle.');
    const uidHash = hashOf(session.uid);
    const now = currentSecond(this.#clock);
    const foundHash = hashOrNull(found?.handle);
    const saving = {
      ...{ uidHash, foundHash, isVisit, now },
      handleHash: hashOrNull(handle ?? found?.handle),
      accountId: session.accountId ?? null,
      payload: this.#cells.sealPayload(uidHash, session),
      ...this.#signIn(uidHash, change, now),
      expiresAt: secondsAfter(now, change.lifetimeSeconds),
      ...this.#siteChanges(uidHash, change),
    };
    let row: Saved | undefined;
    const { commit = (write) => write(this.#db) } = change;
    const outcome = await commit(async (db) => {
      row = await (found
        ? UPDATE_SESSION.first(db, {
            ...saving,
            aliveUntil: aliveUntil === undefined ? null : fromUnix(aliveUntil),
          })
        : CREATE_SESSION.first(db, saving));
      return !row ? 'ended' : row.current ? 'saved' : 'superseded';
    });
    if (row && !isVisit) this.#feed.apply(announcedBy(row, foundHash));
    return { outcome, version: row?.version };
  }

  /** As `findByHandle`, with what a cache must know. */
  async read(handle: string): Promise<StoredSession | undefined> {
    const found = { hash: hashOf(handle), now: currentSecond(this.#clock) };
    const row = await FIND_BY_HANDLE.first(this.#db, found);
    return (
      row && {
        record: this.#open(row),
        version: row.version,
        usedAt: toUnix(row.last_used_at),
        expiresAt: toUnix(row.expires_at),
      }
    );
  }

  async findByHandle(handle: string) {
    return (await this.read(handle))?.record;
  }

  async findByUid(uid: string) {
    const found = { hash: hashOf(uid), now: currentSecond(this.#clock) };
    const row = await FIND_BY_UID.first(this.#db, found);
    return row && this.#open(row);
  }

  async listOf(accountId: string): Promise<readonly SessionSummary[]> {
    const rows = await this.#db<ListedRow>('sessions as s')
      .select<ListedRow[]>('s.*', this.#db.raw(SITES_OF_SESSION))
      .where('s.account_id', accountId)
      .whereNull('s.ended_at')
      .where('s.expires_at', '>', currentSecond(this.#clock))
      .orderByRaw('s.signed_in_at DESC, s.last_used_at DESC');
    return rows.map((row) => {
      const { uid, payload } = this.#cells.openPayload(row.uid_hash, row.payload_sealed);
      return {
        uid,
        signedInAt: row.signed_in_at ?? row.last_used_at,
        lastUsedAt: row.last_used_at,
        expiresAt: row.expires_at,
        origin: this.#cells.openOrigin(row.uid_hash, row.origin_sealed),
        acr: typeof payload['acr'] === 'string' ? payload['acr'] : undefined,
        clientIds: row.sites.map(([clientId]) => clientId),
      };
    });
  }

  async end(uid: string) {
    const [ended] = await this.#end((query) => void query.where('uid_hash', hashOf(uid)));
    return ended;
  }

  async endAllOf(accountId: string, exceptUid?: string) {
    return await this.#end((query) => {
      void query.where('account_id', accountId);
      if (exceptUid !== undefined) void query.whereNot('uid_hash', hashOf(exceptUid));
    });
  }

  async endBeyond(accountId: string, keep: number) {
    const beyond = this.#db('sessions')
      .select('uid_hash')
      .where('account_id', accountId)
      .whereNull('ended_at')
      .where('expires_at', '>', currentSecond(this.#clock))
      .orderByRaw('signed_in_at DESC, last_used_at DESC, uid_hash')
      .offset(keep);
    return await this.#end((query) => void query.whereIn('uid_hash', beyond));
  }

  async sweep(limit: number) {
    const before = secondsAfter(currentSecond(this.#clock), -TOMBSTONE_SECONDS);
    const remains = this.#db('sessions')
      .select('uid_hash')
      .where('ended_at', '<=', before)
      .orWhere((query) => void query.whereNull('ended_at').where('expires_at', '<=', before))
      .limit(limit)
      .forUpdate()
      .skipLocked();
    // As a CTE it is evaluated once; as a subquery it may run again for each row, past its limit.
    return await this.#db('sessions')
      .with('remains', remains)
      .whereIn('uid_hash', this.#db.select('uid_hash').from('remains'))
      .delete();
  }

  #open(row: FoundRow): SessionRecord {
    return {
      ...this.#cells.openPayload(row.uid_hash, row.payload_sealed),
      sites: this.#cells.openSites(row.uid_hash, row.sites),
    };
  }

  /** A sign-in is told from a mere visit by its time, `loginTs` (Unix seconds). */
  #signIn(uidHash: Buffer, { session, origin }: SaveSession, now: Date) {
    if (session.accountId === undefined) return { signedInAt: null, origin: null };
    const { loginTs } = session.payload;
    return {
      signedInAt: typeof loginTs === 'number' ? fromUnix(loginTs) : now,
      origin: origin ? this.#cells.sealOrigin(uidHash, origin) : null,
    };
  }

  /** Only what this request changed, so that it undoes nothing of a concurrent one. */
  #siteChanges(uidHash: Buffer, { session, found }: SaveSession) {
    const before = found?.sites ?? {};
    const changed = Object.entries(session.sites)
      .filter(([clientId, entry]) => JSON.stringify(before[clientId]) !== JSON.stringify(entry))
      .map(([clientId, entry]) => ({
        client_id: clientId,
        entry_sealed: this.#cells.sealSite(uidHash, clientId, entry),
        grant_hash: hashOrNull(entry.grantId)?.toString('hex') ?? null,
        persists_logout: entry.persistsLogout ?? false,
      }));
    const removed = Object.keys(before).filter((clientId) => !(clientId in session.sites));
    return { changed: JSON.stringify(changed), removed: JSON.stringify(removed) };
  }

  #end(chosen: (query: Knex.QueryBuilder) => void) {
    const now = currentSecond(this.#clock);
    return endSessions({ db: this.#db, cells: this.#cells, feed: this.#feed }, now, chosen);
  }
}

/** What the statement announced, for this process to know at once. */
function announcedBy(row: Saved, foundHash: Buffer | null): readonly Change[] {
  const isReplaced = row.current && foundHash !== null && !foundHash.equals(row.handle_hash);
  if (isReplaced) return [{ kind: 'session', key: foundHash.toString('hex'), version: 'gone' }];
  if (row.version === 1) return [];
  return [{ kind: 'session', key: row.handle_hash.toString('hex'), version: row.version }];
}
