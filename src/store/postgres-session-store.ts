/**
 * The session store on PostgreSQL, embedded or server (contract and reasons: session-store.ts).
 * Finding and saving are one statement each (session-sql.ts); ending is in session-ending.ts.
 *
 * Every save writes the row. Leaving out writes when only the expiry moved would cut the idle time
 * short by as much as is left out, or let it run as much too long; a cache in front may absorb them.
 */
import type { Knex } from 'knex';
import type { Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import { TOMBSTONE_SECONDS } from './grants.ts';
import { hashOf, hashOrNull } from './handles.ts';
import { currentSecond, fromUnix, secondsAfter } from './moments.ts';
import { SessionCells, type SealedSite } from './session-cells.ts';
import { endSessions } from './session-ending.ts';
import { CREATE_SESSION, SITES_OF_SESSION, UPDATE_SESSION } from './session-sql.ts';
import type {
  SaveOutcome,
  SaveSession,
  SessionRecord,
  SessionStore,
  SessionSummary,
} from './session-store.ts';

interface SessionRow {
  uid_hash: Buffer;
  payload_sealed: string;
  origin_sealed: string | null;
  signed_in_at: Date | null;
  last_used_at: Date;
  expires_at: Date;
}
type WithSites = SessionRow & { sites: readonly SealedSite[] };

export class PostgresSessionStore implements SessionStore {
  readonly #db: Knex;
  readonly #cells: SessionCells;
  readonly #clock: Clock;

  constructor({ db, sealer, clock }: { db: Knex; sealer: Sealer; clock: Clock }) {
    this.#db = db;
    this.#cells = new SessionCells(sealer);
    this.#clock = clock;
  }

  async save(change: SaveSession): Promise<SaveOutcome> {
    const { session, found, handle } = change;
    if (!found && handle === undefined) throw new Error('A new session needs a handle.');
    const uidHash = hashOf(session.uid);
    const now = currentSecond(this.#clock);
    const { rows } = await this.#db.raw<{ rows: { current: boolean }[] }>(
      found ? UPDATE_SESSION : CREATE_SESSION,
      {
        uidHash,
        handleHash: hashOrNull(handle ?? found?.handle),
        ...(found && { foundHash: hashOrNull(found.handle) }),
        accountId: session.accountId ?? null,
        payload: this.#cells.sealPayload(uidHash, session),
        ...this.#signIn(uidHash, change, now),
        now,
        expiresAt: secondsAfter(now, change.lifetimeSeconds),
        ...this.#siteChanges(uidHash, change),
      },
    );
    if (!rows[0]) return 'ended';
    return rows[0].current ? 'saved' : 'superseded';
  }

  async findByHandle(handle: string) {
    return await this.#find('s.handle_hash', handle);
  }

  async findByUid(uid: string) {
    return await this.#find('s.uid_hash', uid);
  }

  async listOf(accountId: string): Promise<readonly SessionSummary[]> {
    const rows = await this.#live()
      .where('s.account_id', accountId)
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

  #live() {
    return this.#db<WithSites>('sessions as s')
      .whereNull('s.ended_at')
      .where('s.expires_at', '>', currentSecond(this.#clock))
      .select<WithSites[]>('s.*', this.#db.raw(SITES_OF_SESSION));
  }

  async #find(column: 's.handle_hash' | 's.uid_hash', value: string) {
    const [row] = await this.#live().where(column, hashOf(value));
    return row && this.#open(row);
  }

  #open(row: WithSites): SessionRecord {
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
    return endSessions(this.#db, this.#cells, currentSecond(this.#clock), chosen);
  }
}
