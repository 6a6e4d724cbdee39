-- Single-sign-on sessions and the sites entered in them (src/store/postgres-session-store.ts). One
-- row per site, so that parallel requests of one browser merge. An ended session stays for an hour
-- as a row without content, so that a request which read it before cannot bring it back.
-- Times are the application's clock, in whole seconds (0050).
CREATE TABLE sessions (
  uid_hash bytea PRIMARY KEY,
  handle_hash bytea UNIQUE,
  account_id uuid,
  payload_sealed text,
  origin_sealed text,
  signed_in_at timestamptz,
  last_used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK (
    (ended_at IS NULL) = (handle_hash IS NOT NULL)
    AND (ended_at IS NULL) = (payload_sealed IS NOT NULL)
  )
);
CREATE INDEX sessions_of_account ON sessions (account_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE session_sites (
  uid_hash bytea NOT NULL REFERENCES sessions ON DELETE CASCADE,
  client_id text NOT NULL,
  entry_sealed text NOT NULL,
  grant_hash bytea,
  persists_logout boolean NOT NULL,
  entered_at timestamptz NOT NULL,
  PRIMARY KEY (uid_hash, client_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, session_sites TO yirentong_app;

COMMENT ON COLUMN sessions.uid_hash IS 'secret: SHA-256 of the uid, which never changes';
COMMENT ON COLUMN sessions.handle_hash IS 'secret: SHA-256 of the cookie value; none once ended';
COMMENT ON COLUMN sessions.account_id IS 'internal: account UUID, never shown outside';
COMMENT ON COLUMN sessions.payload_sealed IS 'sensitive: sealed (AES-256-GCM) JSON with the uid, without the cookie value; removed when ended';
COMMENT ON COLUMN sessions.origin_sealed IS 'personal: sealed address, user agent and channel of the sign-in; removed when ended';
COMMENT ON COLUMN sessions.signed_in_at IS 'internal: last sign-in or step-up';
COMMENT ON COLUMN sessions.last_used_at IS 'internal: last request';
COMMENT ON COLUMN sessions.expires_at IS 'internal: not found from this second on';
COMMENT ON COLUMN sessions.ended_at IS 'internal: set once';
COMMENT ON COLUMN session_sites.uid_hash IS 'secret: the session';
COMMENT ON COLUMN session_sites.client_id IS 'personal: a site that the person entered';
COMMENT ON COLUMN session_sites.entry_sealed IS 'sensitive: sealed (AES-256-GCM) sid and grant id';
COMMENT ON COLUMN session_sites.grant_hash IS 'secret: SHA-256 of the grant id';
COMMENT ON COLUMN session_sites.persists_logout IS 'internal: the grant outlives the session';
COMMENT ON COLUMN session_sites.entered_at IS 'internal: first entry in this session';
