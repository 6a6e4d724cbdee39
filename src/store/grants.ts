/**
 * Revoking grants: used by the record store for tokens and consent, and by the session store when a
 * session ends. A revoked row loses its payload and stays as a tombstone, so that a request which
 * read the grant before cannot bring it back by saving it.
 */
import type { Knex } from 'knex';
import { secondsAfter } from './moments.ts';

/** No request that began before a revocation is still running after this time. */
export const TOMBSTONE_SECONDS = 3600;

/**
 * Revokes the live grants that `chosen` picks, in one statement. Rows are locked in one order, so
 * that two revocations of overlapping sets never wait for each other in a circle.
 *
 * @returns how many this call revoked
 */
export async function revokeGrants(
  db: Knex,
  now: Date,
  chosen: (query: Knex.QueryBuilder) => void,
): Promise<number> {
  const due = db('grants').select('handle_hash').modify(onlyLiveGrants, now).modify(chosen);
  return await db('grants')
    .whereIn('handle_hash', due.orderBy('handle_hash').forUpdate())
    .update({
      revoked_at: now,
      payload_sealed: null,
      expires_at: db.raw('GREATEST(expires_at, ?)', [secondsAfter(now, TOMBSTONE_SECONDS)]),
    });
}

/** Leaves out grants that are revoked or expired. */
export function onlyLiveGrants(query: Knex.QueryBuilder, now: Date): void {
  void query.whereNull('grants.revoked_at').where('grants.expires_at', '>', now);
}
