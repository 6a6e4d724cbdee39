/**
 * Ending sessions, once and for good. One transaction takes the session rows first and their sites
 * afterwards: a save that came first is seen with its sites, one that comes later finds the session
 * ended. Of n concurrent calls one gets the row, the others find nothing left to end.
 */
import type { Knex } from 'knex';
import type { ChangeFeed } from './change-feed.ts';
import { asChanges, revokeGrants } from './grants.ts';
import type { SessionCells } from './session-cells.ts';
import type { EndedSession } from './session-store.ts';

export interface EndingParts {
  readonly db: Knex;
  readonly cells: SessionCells;
  readonly feed: Pick<ChangeFeed, 'apply' | 'publish'>;
}

interface DueRow {
  uid_hash: Buffer;
  handle_hash: Buffer;
  payload_sealed: string;
}

interface SiteRow {
  uid_hash: Buffer;
  client_id: string;
  entry_sealed: string;
  grant_hash: Buffer | null;
  persists_logout: boolean;
}

/**
 * Ends the sessions that `chosen` picks and revokes their grants, but those that persist. A row that
 * looks expired is ended as well: a copy of it may have later visits.
 */
export async function endSessions(
  { db, cells, feed }: EndingParts,
  now: Date,
  chosen: (query: Knex.QueryBuilder) => void,
): Promise<EndedSession[]> {
  let revoked: readonly Buffer[] = [];
  const ended = await db.transaction(async (trx) => {
    const due = await takeDue(trx, chosen);
    if (due.length === 0) return [];
    const hashes = due.map((session) => session.uid_hash);
    await trx('sessions')
      .whereIn('uid_hash', hashes)
      .update({ ended_at: now, handle_hash: null, payload_sealed: null, origin_sealed: null });
    const sites: SiteRow[] = await trx<SiteRow>('session_sites')
      .whereIn('uid_hash', hashes)
      .delete()
      .returning(['uid_hash', 'client_id', 'entry_sealed', 'grant_hash', 'persists_logout']);
    revoked = await revokeGrantsOf(trx, now, sites);
    await feed.publish(due.map(gone), trx);
    return due.map((session) => openEnded(cells, session, sites));
  });
  feed.apply(asChanges(revoked));
  return ended;
}

const gone = ({ handle_hash }: DueRow) =>
  ({ kind: 'session', key: handle_hash.toString('hex'), version: 'gone' }) as const;

/** Rows are locked in one order, so that overlapping calls never wait for each other in a circle. */
async function takeDue(trx: Knex, chosen: (query: Knex.QueryBuilder) => void): Promise<DueRow[]> {
  return await trx<DueRow>('sessions')
    .select('uid_hash', 'handle_hash', 'payload_sealed')
    .whereNull('ended_at')
    .where((query) => chosen(query))
    .orderBy('uid_hash')
    .forUpdate();
}

async function revokeGrantsOf(trx: Knex, now: Date, sites: readonly SiteRow[]) {
  const grants = sites
    .filter((site) => !site.persists_logout)
    .map((site) => site.grant_hash)
    .filter((hash) => hash !== null);
  if (grants.length === 0) return [];
  return await revokeGrants(trx, now, (query) => void query.whereIn('handle_hash', grants));
}

function openEnded(cells: SessionCells, session: DueRow, all: readonly SiteRow[]): EndedSession {
  const { uid, accountId } = cells.openPayload(session.uid_hash, session.payload_sealed);
  const own = all.filter((site) => site.uid_hash.equals(session.uid_hash));
  const sealed = own.map((site) => [site.client_id, site.entry_sealed] as const);
  return { uid, accountId, sites: cells.openSites(session.uid_hash, sealed) };
}
