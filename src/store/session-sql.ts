/**
 * The statements that find and save sessions. Saving is one round trip: it writes the session's row,
 * which locks it, then merges the sites if there was a row to write; a session that was ended gives
 * none, so that nothing of it comes back. What copies must know is announced in the same statement.
 */
import { announcing } from './change-log.ts';
import { statement } from './statement.ts';
import type { SealedSite } from './session-cells.ts';

interface Saving {
  readonly uidHash: Buffer;
  readonly handleHash: Buffer | null;
  /** The handle that the session was found by, null when it was found by its uid. */
  readonly foundHash: Buffer | null;
  readonly accountId: string | null;
  readonly payload: string;
  readonly origin: string | null;
  readonly signedInAt: Date | null;
  readonly now: Date;
  readonly expiresAt: Date;
  /** Sites entered or changed, JSON: client_id, entry_sealed, grant_hash (hex), persists_logout. */
  readonly changed: string;
  /** client_id of the sites left, JSON. */
  readonly removed: string;
  /** Nothing but the time of the visit changes: copies stay good. */
  readonly isVisit: boolean;
  /** Until when a copy says that the session lives; the row knows only of visits written to it. */
  readonly aliveUntil: Date | null;
}

export interface Saved {
  /** False when a newer sign-in replaced the handle meanwhile. */
  readonly current: boolean;
  readonly version: number;
  readonly handle_hash: Buffer;
}

/** A session that this request began; a second save of the same request updates its own row. */
const CREATE = `
  INSERT INTO sessions AS s (uid_hash, handle_hash, account_id, payload_sealed, origin_sealed,
    signed_in_at, last_used_at, expires_at)
  VALUES (:uidHash, :handleHash, :accountId, :payload, :origin, :signedInAt, :now, :expiresAt)
  ON CONFLICT (uid_hash) DO UPDATE SET account_id = EXCLUDED.account_id,
    payload_sealed = EXCLUDED.payload_sealed,
    origin_sealed = COALESCE(EXCLUDED.origin_sealed, s.origin_sealed),
    signed_in_at = EXCLUDED.signed_in_at, last_used_at = EXCLUDED.last_used_at,
    expires_at = EXCLUDED.expires_at, version = s.version + 1
  WHERE s.ended_at IS NULL AND s.handle_hash = EXCLUDED.handle_hash
  RETURNING true AS current, s.version, s.handle_hash`;

/** In SET, `s` is the row as it was: all columns change together, or none does. */
const CURRENT = '(CAST(:foundHash AS bytea) IS NULL OR s.handle_hash = :foundHash)';

/** A session that was read before; if its handle was replaced since, the newer sign-in wins. */
const UPDATE = `
  UPDATE sessions AS s SET
    handle_hash = CASE WHEN ${CURRENT} THEN COALESCE(:handleHash, s.handle_hash)
      ELSE s.handle_hash END,
    account_id = CASE WHEN ${CURRENT} THEN :accountId ELSE s.account_id END,
    payload_sealed = CASE WHEN ${CURRENT} THEN :payload ELSE s.payload_sealed END,
    origin_sealed = CASE
      WHEN ${CURRENT} AND (s.origin_sealed IS NULL OR s.signed_in_at IS DISTINCT FROM :signedInAt)
      THEN COALESCE(:origin, s.origin_sealed) ELSE s.origin_sealed END,
    signed_in_at = CASE WHEN ${CURRENT} THEN :signedInAt ELSE s.signed_in_at END,
    last_used_at = :now,
    expires_at = CASE WHEN ${CURRENT} THEN :expiresAt ELSE s.expires_at END,
    version = s.version + CASE WHEN CAST(:isVisit AS boolean) THEN 0 ELSE 1 END
  WHERE s.uid_hash = :uidHash AND s.ended_at IS NULL
    AND GREATEST(s.expires_at, CAST(:aliveUntil AS timestamptz)) > :now
  RETURNING COALESCE(s.handle_hash = :handleHash, true) AS current, s.version, s.handle_hash`;

/** A replaced handle is gone; of a new handle, as of a new session, nobody has a copy. */
const REPLACED = 'base.current AND COALESCE(CAST(:foundHash AS bytea) <> :handleHash, false)';
const ANNOUNCED = `
  SELECT 'session', encode(:foundHash, 'hex'), CAST(NULL AS bigint) FROM base WHERE ${REPLACED}
  UNION ALL
  SELECT 'session', encode(base.handle_hash, 'hex'), base.version FROM base
  WHERE base.version > 1 AND NOT CAST(:isVisit AS boolean) AND NOT (${REPLACED})`;

const mergingSites = (base: string) => `
  WITH base AS (${base}), gone AS (
    DELETE FROM session_sites
    WHERE uid_hash = :uidHash AND EXISTS (SELECT 1 FROM base)
      AND client_id IN (SELECT json_array_elements_text(CAST(:removed AS json)))
  ), entered AS (
    INSERT INTO session_sites (uid_hash, client_id, entry_sealed, grant_hash, persists_logout,
      entered_at)
    SELECT :uidHash, site.client_id, site.entry_sealed, decode(site.grant_hash, 'hex'),
      site.persists_logout, :now
    FROM base, json_to_recordset(CAST(:changed AS json))
      AS site (client_id text, entry_sealed text, grant_hash text, persists_logout boolean)
    ON CONFLICT (uid_hash, client_id) DO UPDATE SET entry_sealed = EXCLUDED.entry_sealed,
      grant_hash = EXCLUDED.grant_hash, persists_logout = EXCLUDED.persists_logout
  ), announced AS (${announcing(ANNOUNCED)})
  SELECT current, version, handle_hash FROM base`;

export const CREATE_SESSION = statement<Omit<Saving, 'aliveUntil'>, Saved>(
  'sessions.create',
  mergingSites(CREATE),
);
export const UPDATE_SESSION = statement<Saving, Saved>('sessions.update', mergingSites(UPDATE));

/** The sites of the session `s`, as pairs of client_id and sealed entry. */
export const SITES_OF_SESSION = `
  (SELECT COALESCE(json_agg(json_build_array(t.client_id, t.entry_sealed)
     ORDER BY t.entered_at, t.client_id), CAST('[]' AS json))
   FROM session_sites t WHERE t.uid_hash = s.uid_hash) AS sites`;

export interface FoundRow {
  readonly uid_hash: Buffer;
  readonly payload_sealed: string;
  readonly version: number;
  readonly last_used_at: Date;
  readonly expires_at: Date;
  readonly sites: readonly SealedSite[];
}

const findBy = (column: 'handle_hash' | 'uid_hash') =>
  statement<{ hash: Buffer; now: Date }, FoundRow>(
    `sessions.by_${column}`,
    `SELECT s.uid_hash, s.payload_sealed, s.version, s.last_used_at, s.expires_at,
       ${SITES_OF_SESSION}
     FROM sessions s WHERE s.${column} = :hash AND s.ended_at IS NULL AND s.expires_at > :now`,
  );

export const FIND_BY_HANDLE = findBy('handle_hash');
export const FIND_BY_UID = findBy('uid_hash');
