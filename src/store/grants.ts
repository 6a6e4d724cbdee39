/**
 * Writing and revoking grants: used by the record store for tokens and consent, and by the session
 * store when a session ends. Whatever makes a copy of a grant (in Redis) untrue announces it in the
 * same statement. A revoked row loses its payload and stays as a tombstone, so that a request which
 * read the grant before cannot bring it back by saving it.
 */
import type { Knex } from 'knex';
import { announcing, type Change } from './change-log.ts';
import { secondsAfter } from './moments.ts';
import { statement } from './statement.ts';

/** No request that began before a revocation is still running after this time. */
export const TOMBSTONE_SECONDS = 3600;

/** Creates or extends a grant; returns its new version, and no row when it was revoked. */
export const SAVE_GRANT = statement<
  {
    hash: Buffer;
    accountId: string | null;
    clientId: string | null;
    payload: string;
    expiresAt: Date;
  },
  { version: number }
>(
  'grants.save',
  `WITH saved AS (
    INSERT INTO grants AS g (handle_hash, account_id, client_id, payload_sealed, expires_at)
    VALUES (:hash, :accountId, :clientId, :payload, :expiresAt)
    ON CONFLICT (handle_hash) DO UPDATE SET account_id = EXCLUDED.account_id,
      client_id = EXCLUDED.client_id, payload_sealed = EXCLUDED.payload_sealed,
      expires_at = EXCLUDED.expires_at, version = g.version + 1
    WHERE g.revoked_at IS NULL
    RETURNING g.handle_hash, g.version
  ), announced AS (${announcing(
    `SELECT 'grant', encode(handle_hash, 'hex'), version FROM saved WHERE version > 1`,
  )})
  SELECT version FROM saved`,
);

export const FIND_GRANT = statement<
  { hash: Buffer; now: Date },
  { payload_sealed: string; expires_at: Date; version: number }
>(
  'grants.find',
  `SELECT payload_sealed, expires_at, version FROM grants
   WHERE handle_hash = :hash AND revoked_at IS NULL AND expires_at > :now`,
);

/**
 * Revokes the live grants that `chosen` picks, in one statement. Rows are locked in one order, so
 * that two revocations of overlapping sets never wait for each other in a circle.
 *
 * @returns the hashes of the grants that this call revoked
 */
export async function revokeGrants(
  db: Knex,
  now: Date,
  chosen: (query: Knex.QueryBuilder) => void,
): Promise<Buffer[]> {
  const due = db('grants').select('handle_hash').modify(onlyLiveGrants, now).modify(chosen);
  const { rows } = await db.raw<{ rows: { handle_hash: Buffer }[] }>(REVOKE, {
    ...{ due: due.orderBy('handle_hash').forUpdate(), now },
    tombstoneEnds: secondsAfter(now, TOMBSTONE_SECONDS),
  });
  return rows.map((row) => row.handle_hash);
}

const REVOKE = `
  WITH due AS (:due), revoked AS (
    UPDATE grants SET revoked_at = CAST(:now AS timestamptz), payload_sealed = NULL,
      version = version + 1, expires_at = GREATEST(expires_at, CAST(:tombstoneEnds AS timestamptz))
    WHERE handle_hash IN (SELECT handle_hash FROM due)
    RETURNING handle_hash
  ), announced AS (${announcing(
    `SELECT 'grant', encode(handle_hash, 'hex'), CAST(NULL AS bigint) FROM revoked`,
  )})
  SELECT handle_hash FROM revoked`;

/** What a revocation has announced, for this process, which need not wait to read it. */
export const asChanges = (revoked: readonly Buffer[]): Change[] =>
  revoked.map((hash) => ({ kind: 'grant', key: hash.toString('hex'), version: 'gone' }));

/** Leaves out grants that are revoked or expired. */
export function onlyLiveGrants(query: Knex.QueryBuilder, now: Date): void {
  void query.whereNull('grants.revoked_at').where('grants.expires_at', '>', now);
}
