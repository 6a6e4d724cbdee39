-- Versions, so that a copy of a row can be told from a newer row (0080). Every write that changes
-- what a copy would say adds one.
ALTER TABLE sessions ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE clients ADD COLUMN revision integer NOT NULL DEFAULT 1;

COMMENT ON COLUMN sessions.version IS 'internal: 1, 2, 3 …; a mere visit does not count';
COMMENT ON COLUMN accounts.version IS 'internal: 1, 2, 3 …';
COMMENT ON COLUMN clients.revision IS 'internal: 1, 2, 3 …; a change of status counts as well';
COMMENT ON COLUMN sessions.last_used_at IS 'internal: last request that was written here, at most five minutes before the last';
COMMENT ON COLUMN sessions.expires_at IS 'internal: not found from this second on; up to five minutes early while a cache has later visits';
