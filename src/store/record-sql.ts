/** The statements of the record store on PostgreSQL that every token request runs. */
import { statement } from './statement.ts';

/** A record, with the live Grant that it follows. */
export interface RecordRow {
  readonly payload_sealed: string;
  readonly consumed_at: Date | null;
  readonly grant_hash: Buffer | null;
  readonly grant_sealed: string | null;
}

const LIVE_GRANT = `
  LEFT JOIN grants g ON g.handle_hash = t.grant_hash AND g.revoked_at IS NULL AND g.expires_at > :now`;

export const FIND_REFRESH_TOKEN = statement<{ hash: Buffer; now: Date }, RecordRow>(
  'refresh_tokens.find',
  `SELECT t.payload_sealed, t.consumed_at, t.grant_hash, g.payload_sealed AS grant_sealed
   FROM refresh_tokens t ${LIVE_GRANT}
   WHERE t.handle_hash = :hash AND t.expires_at > :now
     AND (t.grant_hash IS NULL OR g.handle_hash IS NOT NULL)`,
);

export const FIND_SHORT_LIVED = statement<
  { hash: Buffer; model: string; now: Date; followsGrant: boolean },
  RecordRow
>(
  'short_lived_records.find',
  `SELECT t.payload_sealed, t.consumed_at, t.grant_hash, g.payload_sealed AS grant_sealed
   FROM short_lived_records t ${LIVE_GRANT}
   WHERE t.handle_hash = :hash AND t.model = :model AND t.expires_at > :now
     AND (t.grant_hash IS NULL OR g.handle_hash IS NOT NULL OR NOT CAST(:followsGrant AS boolean))`,
);

/**
 * Uses a refresh token up and stores the next one, in one statement: of n concurrent rotations one
 * inserts, and no token is lost between the two.
 */
export const ROTATE_REFRESH_TOKEN = statement<{
  usedHash: Buffer;
  now: Date;
  hash: Buffer;
  grantHash: Buffer | null;
  accountId: string | null;
  clientId: string | null;
  payload: string;
  expiresAt: Date;
}>(
  'refresh_tokens.rotate',
  `WITH used AS (
    UPDATE refresh_tokens t SET consumed_at = CAST(:now AS timestamptz)
    WHERE t.handle_hash = :usedHash AND t.consumed_at IS NULL AND t.expires_at > :now
      AND (t.grant_hash IS NULL OR EXISTS (SELECT 1 FROM grants g
        WHERE g.handle_hash = t.grant_hash AND g.revoked_at IS NULL AND g.expires_at > :now))
    RETURNING 1
  )
  INSERT INTO refresh_tokens (handle_hash, grant_hash, account_id, client_id, payload_sealed,
    expires_at)
  SELECT :hash, CAST(:grantHash AS bytea), CAST(:accountId AS uuid), CAST(:clientId AS text),
    CAST(:payload AS text), CAST(:expiresAt AS timestamptz) FROM used`,
);
