-- Tables that grow without end, a partition a month: what is old goes by dropping a table, not by
-- deleting rows. Months are those of Asia/Shanghai.
--
-- audit_events: `month` is given when the row is chained and never falls behind the row before
-- (audit_head.month), so that a month is a run of the chain without gaps, whatever the clocks of the
-- nodes say. Rows of long-lived kinds (src/audit/events.ts) are in partitions of their own and stay
-- when the others of their month are dropped. The key must hold the partition columns; that `seq`
-- alone is unique is the head's work (one statement moves it and inserts behind it), and a second row
-- of one seq is found by `audit verify`.
--
-- The server's role may neither create nor drop partitions: it calls the two functions below, which
-- run as the tables' owner and refuse what is too young, whoever asks.
ALTER TABLE audit_events RENAME TO audit_events_before;
ALTER INDEX audit_events_pkey RENAME TO audit_events_before_pkey;

CREATE TABLE audit_events (
  seq bigint NOT NULL CHECK (seq > 0),
  id uuid NOT NULL,
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
  hash bytea NOT NULL CHECK (length(hash) = 32),
  is_long_lived boolean NOT NULL DEFAULT false,
  month date NOT NULL DEFAULT date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai')::date,
  PRIMARY KEY (seq, is_long_lived, month)
) PARTITION BY RANGE (is_long_lived, month);

COMMENT ON COLUMN audit_events.seq IS 'internal: gapless from 1, given by the writer that holds the head';
COMMENT ON COLUMN audit_events.id IS 'internal: random';
COMMENT ON COLUMN audit_events.occurred_at IS 'internal: chained; milliseconds, because what was hashed is what is stored';
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
COMMENT ON COLUMN audit_events.is_long_lived IS 'internal: kept for years; follows from the event';
COMMENT ON COLUMN audit_events.month IS 'internal: first day of the month it was chained in';

-- Rows whose month has no partition yet: nothing is lost while the job does not run.
CREATE TABLE audit_events_rest PARTITION OF audit_events DEFAULT;

ALTER TABLE audit_head ADD COLUMN month date NOT NULL DEFAULT '0001-01-01';
COMMENT ON COLUMN audit_head.month IS 'internal: month of the last row; never moves back';

-- The delivery record of the outbox. Without a key to `outbox`: its rows are swept one by one, because
-- their ids must stay known for a while, and these go by the month.
ALTER TABLE outbox_attempts RENAME TO outbox_attempts_before;
ALTER INDEX outbox_attempts_pkey RENAME TO outbox_attempts_before_pkey;

CREATE TABLE outbox_attempts (
  outbox_id text NOT NULL,
  number integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  outcome text CHECK (outcome IN ('delivered', 'retry', 'given_up')),
  http_status smallint,
  error_code text,
  duration_milliseconds integer,
  PRIMARY KEY (outbox_id, number, started_at)
) PARTITION BY RANGE (started_at);
CREATE TABLE outbox_attempts_rest PARTITION OF outbox_attempts DEFAULT;

COMMENT ON COLUMN outbox_attempts.outbox_id IS 'internal: role-limited';
COMMENT ON COLUMN outbox_attempts.number IS 'internal: counts from 1';
COMMENT ON COLUMN outbox_attempts.started_at IS 'internal: role-limited';
COMMENT ON COLUMN outbox_attempts.outcome IS 'internal: role-limited';
COMMENT ON COLUMN outbox_attempts.http_status IS 'internal: role-limited';
COMMENT ON COLUMN outbox_attempts.error_code IS 'internal: a code, never a message';
COMMENT ON COLUMN outbox_attempts.duration_milliseconds IS 'internal: role-limited';

-- What is known of months whose short-lived rows (or, later, all rows) were dropped: enough to check
-- the rows that stayed, and to go on with the chain behind them.
CREATE TABLE audit_dropped_months (
  month date NOT NULL,
  is_long_lived boolean NOT NULL,
  first_seq bigint NOT NULL,
  last_seq bigint NOT NULL,
  last_hash bytea NOT NULL,
  kept_events bigint NOT NULL,
  kept_digest bytea NOT NULL,
  signed_at timestamptz(3) NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (month, is_long_lived)
);

COMMENT ON COLUMN audit_dropped_months.month IS 'internal: first day';
COMMENT ON COLUMN audit_dropped_months.is_long_lived IS 'internal: which of its partitions was dropped';
COMMENT ON COLUMN audit_dropped_months.first_seq IS 'internal: first row of the month';
COMMENT ON COLUMN audit_dropped_months.last_seq IS 'internal: last row of the month; before first_seq when it had none';
COMMENT ON COLUMN audit_dropped_months.last_hash IS 'internal: what the next row is chained to';
COMMENT ON COLUMN audit_dropped_months.kept_events IS 'internal: rows that stayed';
COMMENT ON COLUMN audit_dropped_months.kept_digest IS 'internal: SHA-256 over their hashes in order';
COMMENT ON COLUMN audit_dropped_months.signed_at IS 'internal: covered by the signature';
COMMENT ON COLUMN audit_dropped_months.key_id IS 'internal: which audit key signed';
COMMENT ON COLUMN audit_dropped_months.signature IS 'internal: Ed25519 under a key derived from the audit key';

GRANT SELECT, INSERT ON audit_events, audit_dropped_months TO yirentong_app;
GRANT SELECT ON audit_events_rest, outbox_attempts_rest TO yirentong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_attempts TO yirentong_app;

-- Makes one partition out of a table of its own, with the rows of its range that came before it.
CREATE FUNCTION add_month_partition(parent text, kind text, month date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  name text := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
  next date := month + interval '1 month';
  lower text := format('(%L)', month::timestamp AT TIME ZONE 'Asia/Shanghai');
  upper text := format('(%L)', next::timestamp AT TIME ZONE 'Asia/Shanghai');
  wanted text := format('started_at >= %s AND started_at < %s', lower, upper);
BEGIN
  IF parent = 'audit_events' THEN
    name := format('%s_%s_%s', parent, kind, to_char(month, 'YYYY_MM'));
    lower := format('(%L, %L)', kind = 'long', month);
    upper := format('(%L, %L)', kind = 'long', next);
    wanted := format('is_long_lived = %L AND month = %L', kind = 'long', month);
  END IF;
  IF to_regclass('public.' || name) IS NOT NULL THEN RETURN 0; END IF;
  EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', name, parent);
  EXECUTE format('WITH moved AS (DELETE FROM public.%I WHERE %s RETURNING *)
                  INSERT INTO public.%I SELECT * FROM moved', parent || '_rest', wanted, name);
  EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM %s TO %s',
                 parent, name, lower, upper);
  EXECUTE format('GRANT SELECT ON public.%I TO yirentong_app', name);
  RETURN 1;
END $$;
REVOKE ALL ON FUNCTION add_month_partition(text, text, date) FROM PUBLIC;

-- Partitions for this month and the next two, and for rows that wait in a default partition; drops
-- delivery records that are older than asked, and at least 30 days. Returns how many tables changed.
CREATE FUNCTION maintain_month_partitions(keep_attempts_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  changed integer := 0;
  wanted date;
  old text;
BEGIN
  -- One at a time; whoever comes second has nothing to do.
  IF NOT pg_try_advisory_xact_lock(hashtext('yirentong month partitions')) THEN RETURN 0; END IF;
  FOR wanted IN
    SELECT (date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai')
            + make_interval(months => ahead))::date FROM generate_series(0, 2) AS ahead
    UNION SELECT DISTINCT month FROM public.audit_events_rest
    UNION SELECT DISTINCT date_trunc('month', started_at AT TIME ZONE 'Asia/Shanghai')::date
            FROM public.outbox_attempts_rest
  LOOP
    changed := changed + public.add_month_partition('audit_events', 'brief', wanted)
                       + public.add_month_partition('audit_events', 'long', wanted)
                       + public.add_month_partition('outbox_attempts', '', wanted);
  END LOOP;
  FOR old IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'public.outbox_attempts'::regclass
       AND CASE WHEN c.relname ~ '^outbox_attempts_[0-9]{4}_[0-9]{2}$'
                THEN to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month'
                     + make_interval(days => greatest(keep_attempts_days, 30))
                     < now() AT TIME ZONE 'Asia/Shanghai' END
  LOOP
    EXECUTE format('DROP TABLE public.%I', old);
    changed := changed + 1;
  END LOOP;
  RETURN changed;
END $$;
REVOKE ALL ON FUNCTION maintain_month_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintain_month_partitions(integer) TO yirentong_app;

-- Drops a month's audit rows: the short-lived 180 days after its end, the long-lived after three
-- years, neither before what is left was signed. Checkpoints inside go with the short-lived rows.
CREATE FUNCTION drop_audit_month(expired date, long_lived boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  kept interval := CASE WHEN long_lived THEN interval '3 years' ELSE interval '180 days' END;
  signed public.audit_dropped_months;
BEGIN
  IF expired + interval '1 month' + kept > now() AT TIME ZONE 'Asia/Shanghai' THEN
    RAISE EXCEPTION 'audit rows of % must still be kept', expired;
  END IF;
  SELECT * INTO signed FROM public.audit_dropped_months
   WHERE month = expired AND is_long_lived = long_lived;
  IF NOT FOUND THEN RAISE EXCEPTION 'what stays of % is not signed', expired; END IF;
  EXECUTE format('DROP TABLE public.%I', format('audit_events_%s_%s',
                 CASE WHEN long_lived THEN 'long' ELSE 'brief' END, to_char(expired, 'YYYY_MM')));
  IF NOT long_lived THEN
    DELETE FROM public.audit_checkpoints WHERE seq BETWEEN signed.first_seq AND signed.last_seq;
  END IF;
END $$;
REVOKE ALL ON FUNCTION drop_audit_month(date, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_audit_month(date, boolean) TO yirentong_app;

-- What is there already.
INSERT INTO audit_events
SELECT *, event ~ '^(authz_|account_|accounts_|client_|signing_keys_|sys_)',
       max(date_trunc('month', occurred_at AT TIME ZONE 'Asia/Shanghai')::date) OVER (ORDER BY seq)
  FROM audit_events_before;
UPDATE audit_head SET month = coalesce((SELECT max(month) FROM audit_events), month);
DROP TABLE audit_events_before;
INSERT INTO outbox_attempts SELECT * FROM outbox_attempts_before;
DROP TABLE outbox_attempts_before;
SELECT maintain_month_partitions(60);
