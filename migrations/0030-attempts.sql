-- The attempt ledger: one row per (subject, factor, device bucket). Everything about a bucket is in
-- its one row, so that reserving and settling are one statement each (src/sign-in/attempt-ledger.ts).
CREATE TABLE sign_in_attempts (
  subject text NOT NULL,
  factor text NOT NULL,
  device text NOT NULL,
  -- Reservations under way, `<deadline in Unix milliseconds>.<random>`.
  pending text[] NOT NULL DEFAULT '{}',
  wrong_in_row integer NOT NULL DEFAULT 0,
  -- Times of the last wrong answers, oldest first, no more than count for the window.
  recent_wrong timestamptz[] NOT NULL DEFAULT '{}',
  locked_until timestamptz,
  disabled_at timestamptz,
  touched_at timestamptz NOT NULL,
  PRIMARY KEY (subject, factor, device)
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_attempts TO yirentong_app;

COMMENT ON COLUMN sign_in_attempts.subject IS 'internal: account id, or keyed hash of an identifier that leads to no account';
COMMENT ON COLUMN sign_in_attempts.factor IS 'internal: which way to sign in';
COMMENT ON COLUMN sign_in_attempts.device IS 'internal: id of a known device of the account, or unknown';
COMMENT ON COLUMN sign_in_attempts.pending IS 'internal: reservations that are not settled';
COMMENT ON COLUMN sign_in_attempts.wrong_in_row IS 'internal: wrong answers since the last right one';
COMMENT ON COLUMN sign_in_attempts.recent_wrong IS 'internal: times of the last wrong answers';
COMMENT ON COLUMN sign_in_attempts.locked_until IS 'internal: until then every answer is refused uncompared';
COMMENT ON COLUMN sign_in_attempts.disabled_at IS 'internal: since then the factor is off in this bucket';
COMMENT ON COLUMN sign_in_attempts.touched_at IS 'internal: swept a day after';
