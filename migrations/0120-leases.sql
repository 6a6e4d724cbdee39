-- Periodic jobs (sweeping, retention): of n nodes one runs each, as long as it holds the lease.
CREATE TABLE leases (
  name text PRIMARY KEY,
  holder uuid NOT NULL,
  until timestamptz NOT NULL,
  -- When the job was last begun, by whichever holder: another node does not begin it early.
  begun_at timestamptz
);

COMMENT ON COLUMN leases.name IS 'internal: the job';
COMMENT ON COLUMN leases.holder IS 'internal: random, one per process';
COMMENT ON COLUMN leases.until IS 'internal: after it another process may take the job';
COMMENT ON COLUMN leases.begun_at IS 'internal: role-limited';

GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO yirentong_app;
