-- Windows per network address: how many sign-in attempts and requests came from it lately. The
-- columns and their order are those that rate-limiter-flexible writes.
--
-- UNLOGGED: these rows live for minutes and are written on every request; without write-ahead log
-- they cost no wait for the disk. A crash of the database empties them, and an address gets one more
-- window; what protects an account is sign_in_attempts, which is logged (docs/decisions/0004).
CREATE UNLOGGED TABLE address_limits (
  key text PRIMARY KEY,
  points integer NOT NULL DEFAULT 0,
  expire bigint
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE, DELETE ON address_limits TO yirentong_app;

COMMENT ON COLUMN address_limits.key IS 'internal: kind of limit and keyed hash of the address block';
COMMENT ON COLUMN address_limits.points IS 'internal: taken in the present window';
COMMENT ON COLUMN address_limits.expire IS 'internal: end of the window, Unix milliseconds';
