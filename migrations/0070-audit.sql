-- The audit log: append-only, hash-chained, with a head that only the audit key can move and signed
-- checkpoints. What is hashed and signed is defined in src/audit/event-row.ts and chain-keys.ts.
--
-- Later, when months have to be dropped as a whole: `audit_events` becomes PARTITION BY RANGE (seq).
-- By seq and not by occurred_at, because the key of a partitioned table must contain the partition
-- column and seq alone must stay unique. Each month gets the range from the head's seq (rounded up
-- to the next checkpoint) when it begins; a month is detached only after its last checkpoint was
-- kept elsewhere, and the verifier then starts from that checkpoint instead of from row 1.
CREATE TABLE audit_events (
  seq bigint PRIMARY KEY CHECK (seq > 0),
  id uuid NOT NULL,
  -- Milliseconds: what was hashed is exactly what is stored.
  occurred_at timestamptz(3) NOT NULL,
  event text NOT NULL,
  account_id uuid,
  client_id text,
  request_id text NOT NULL,
  address text NOT NULL,
  user_agent text NOT NULL,
  channel text NOT NULL,
  details jsonb NOT NULL,
  prev_hash bytea NOT NULL CHECK (length(prev_hash) = 32),
  hash bytea NOT NULL CHECK (length(hash) = 32)
);

CREATE TABLE audit_head (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  mac bytea NOT NULL
) WITH (fillfactor = 10);

-- Before the first event: nothing to authenticate, so no mac.
INSERT INTO audit_head (seq, hash, mac) VALUES (0, decode(repeat('00', 32), 'hex'), '');

CREATE TABLE audit_checkpoints (
  seq bigint PRIMARY KEY,
  hash bytea NOT NULL,
  signed_at timestamptz(3) NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL
);

GRANT SELECT, INSERT ON audit_events TO yirentong_app;
GRANT SELECT, INSERT ON audit_checkpoints TO yirentong_app;
GRANT SELECT, UPDATE ON audit_head TO yirentong_app;

COMMENT ON COLUMN audit_events.seq IS 'internal: gapless from 1, given by the writer that holds the head';
COMMENT ON COLUMN audit_events.id IS 'internal: random';
COMMENT ON COLUMN audit_events.occurred_at IS 'internal: chained';
COMMENT ON COLUMN audit_events.event IS 'internal: name in src/audit/events.ts';
COMMENT ON COLUMN audit_events.account_id IS 'internal: random number of the account, never shown outside';
COMMENT ON COLUMN audit_events.client_id IS 'public: chained';
COMMENT ON COLUMN audit_events.request_id IS 'internal: reference id of the request';
COMMENT ON COLUMN audit_events.address IS 'personal: readable by audit staff only, gone with retention';
COMMENT ON COLUMN audit_events.user_agent IS 'personal: readable by audit staff only, gone with retention';
COMMENT ON COLUMN audit_events.channel IS 'internal: chained';
COMMENT ON COLUMN audit_events.details IS 'internal: fields of src/audit/events.ts, never a secret or a personal value';
COMMENT ON COLUMN audit_events.prev_hash IS 'internal: hash of the row before; 32 zero bytes in row 1';
COMMENT ON COLUMN audit_events.hash IS 'internal: SHA-256 over the row and prev_hash';
COMMENT ON COLUMN audit_head.only_row IS 'internal: keeps the table at one row';
COMMENT ON COLUMN audit_head.seq IS 'internal: last row of the chain';
COMMENT ON COLUMN audit_head.hash IS 'internal: hash of that row';
COMMENT ON COLUMN audit_head.mac IS 'internal: HMAC-SHA-256 under the audit key';
COMMENT ON COLUMN audit_checkpoints.seq IS 'internal: row that was signed';
COMMENT ON COLUMN audit_checkpoints.hash IS 'internal: hash of that row';
COMMENT ON COLUMN audit_checkpoints.signed_at IS 'internal: covered by the signature';
COMMENT ON COLUMN audit_checkpoints.key_id IS 'internal: which audit key signed';
COMMENT ON COLUMN audit_checkpoints.signature IS 'internal: Ed25519 under a key derived from the audit key';
