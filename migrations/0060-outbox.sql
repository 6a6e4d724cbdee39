-- What this server owes others: logout notices, messages. A row is written in the transaction that
-- makes it owed, and kept after delivery so that the same id is not sent again.
CREATE TABLE outbox (
  id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 200),
  kind text NOT NULL,
  group_key text NOT NULL,
  payload_sealed text,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'given_up')),
  enqueued_at timestamptz NOT NULL DEFAULT now(),
  due_at timestamptz NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  claimed_by uuid,
  finished_at timestamptz,
  CHECK ((state = 'pending') = (payload_sealed IS NOT NULL)),
  CHECK ((state = 'pending') = (finished_at IS NULL))
);

-- One receiver's backlog is skipped by its group, however long it is.
CREATE INDEX outbox_pending ON outbox (group_key, due_at) WHERE state = 'pending';
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE state <> 'pending';

COMMENT ON COLUMN outbox.id IS 'internal: random or a hash; the receiver may see it';
COMMENT ON COLUMN outbox.kind IS 'internal: which handler delivers it';
COMMENT ON COLUMN outbox.group_key IS 'internal: who receives it, e.g. the host';
COMMENT ON COLUMN outbox.payload_sealed IS 'sensitive: sealed, erased when finished';
COMMENT ON COLUMN outbox.state IS 'internal: role-limited';
COMMENT ON COLUMN outbox.enqueued_at IS 'internal: role-limited';
COMMENT ON COLUMN outbox.due_at IS 'internal: next attempt, or end of the lease while claimed';
COMMENT ON COLUMN outbox.attempts IS 'internal: attempts begun';
COMMENT ON COLUMN outbox.claimed_by IS 'internal: the claim that may record an outcome';
COMMENT ON COLUMN outbox.finished_at IS 'internal: role-limited';

-- The delivery record. Without an outcome: under way, or its worker died.
CREATE TABLE outbox_attempts (
  outbox_id text NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
  number integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  outcome text CHECK (outcome IN ('delivered', 'retry', 'given_up')),
  http_status smallint,
  error_code text,
  duration_milliseconds integer,
  PRIMARY KEY (outbox_id, number)
);

COMMENT ON COLUMN outbox_attempts.outbox_id IS 'internal: role-limited';
COMMENT ON COLUMN outbox_attempts.number IS 'internal: counts from 1';
COMMENT ON COLUMN outbox_attempts.started_at IS 'internal: role-limited';
COMMENT ON COLUMN outbox_attempts.outcome IS 'internal: role-limited';
COMMENT ON COLUMN outbox_attempts.http_status IS 'internal: role-limited';
COMMENT ON COLUMN outbox_attempts.error_code IS 'internal: a code, never a message';
COMMENT ON COLUMN outbox_attempts.duration_milliseconds IS 'internal: role-limited';

GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, outbox_attempts TO yirentong_app;
