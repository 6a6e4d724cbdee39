-- The protocol's records (src/store/postgres-record-store.ts). Which model of oidc-provider lives in
-- which table is written in src/store/model-placement.ts alone.
--
-- Times are set and compared by the application's clock in whole seconds, never by now(): the
-- library checks the same records' `exp` against that clock, and a second one would make a token
-- live in one place and dead in the other. No foreign key to accounts or grants: a record may come
-- before its grant, and what names a missing grant is simply not found.

CREATE TABLE grants (
  handle_hash bytea PRIMARY KEY,
  account_id uuid,
  client_id text,
  payload_sealed text,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  CHECK ((payload_sealed IS NULL) = (revoked_at IS NOT NULL))
);
CREATE INDEX grants_of_account ON grants (account_id, client_id) WHERE revoked_at IS NULL;
CREATE INDEX grants_expires_at ON grants (expires_at);

CREATE TABLE refresh_tokens (
  handle_hash bytea PRIMARY KEY,
  grant_hash bytea,
  account_id uuid,
  client_id text,
  payload_sealed text NOT NULL,
  expires_at timestamptz NOT NULL,
  consumed_at timestamptz
);
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);

CREATE TABLE short_lived_records (
  model text NOT NULL,
  handle_hash bytea NOT NULL,
  grant_hash bytea,
  account_id uuid,
  client_id text,
  uid_hash bytea,
  user_code_hash bytea,
  payload_sealed text NOT NULL,
  expires_at timestamptz NOT NULL,
  consumed_at timestamptz,
  PRIMARY KEY (handle_hash, model)
);
CREATE INDEX short_lived_records_uid ON short_lived_records (uid_hash, model)
  WHERE uid_hash IS NOT NULL;
CREATE INDEX short_lived_records_user_code ON short_lived_records (user_code_hash, model)
  WHERE user_code_hash IS NOT NULL;
CREATE INDEX short_lived_records_expires_at ON short_lived_records (expires_at);

CREATE TABLE replay_marks (
  mark_hash bytea PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX replay_marks_expires_at ON replay_marks (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON grants, refresh_tokens, short_lived_records, replay_marks
  TO yirentong_app;

COMMENT ON TABLE grants IS 'What an account granted a site; the switch of every token that names it. A revoked row stays for an hour so that no late write revives it.';
COMMENT ON COLUMN grants.handle_hash IS 'secret: SHA-256 of the grant id';
COMMENT ON COLUMN grants.account_id IS 'internal: account UUID, never shown outside';
COMMENT ON COLUMN grants.client_id IS 'internal: site';
COMMENT ON COLUMN grants.payload_sealed IS 'sensitive: sealed (AES-256-GCM) JSON without the handle; removed when revoked';
COMMENT ON COLUMN grants.expires_at IS 'internal: not found from this second on';
COMMENT ON COLUMN grants.revoked_at IS 'internal: set once';
COMMENT ON TABLE refresh_tokens IS 'Refresh tokens, used ones until they expire, so that reuse is noticed.';
COMMENT ON COLUMN refresh_tokens.handle_hash IS 'secret: SHA-256 of the token';
COMMENT ON COLUMN refresh_tokens.grant_hash IS 'secret: SHA-256 of the grant id';
COMMENT ON COLUMN refresh_tokens.account_id IS 'internal: account UUID, never shown outside';
COMMENT ON COLUMN refresh_tokens.client_id IS 'internal: site';
COMMENT ON COLUMN refresh_tokens.payload_sealed IS 'sensitive: sealed (AES-256-GCM) JSON without the handle';
COMMENT ON COLUMN refresh_tokens.expires_at IS 'internal: not found from this second on';
COMMENT ON COLUMN refresh_tokens.consumed_at IS 'internal: when it was used, set once';
COMMENT ON TABLE short_lived_records IS 'Codes, opaque tokens, interactions, pushed, device and CIBA requests.';
COMMENT ON COLUMN short_lived_records.model IS 'public: model name of oidc-provider';
COMMENT ON COLUMN short_lived_records.handle_hash IS 'secret: SHA-256 of the code, token or id';
COMMENT ON COLUMN short_lived_records.grant_hash IS 'secret: SHA-256 of the grant id';
COMMENT ON COLUMN short_lived_records.account_id IS 'internal: account UUID, never shown outside';
COMMENT ON COLUMN short_lived_records.client_id IS 'internal: site';
COMMENT ON COLUMN short_lived_records.uid_hash IS 'secret: SHA-256 of the uid';
COMMENT ON COLUMN short_lived_records.user_code_hash IS 'secret: SHA-256 of the code a person types in';
COMMENT ON COLUMN short_lived_records.payload_sealed IS 'sensitive: sealed (AES-256-GCM) JSON without the handle';
COMMENT ON COLUMN short_lived_records.expires_at IS 'internal: not found from this second on';
COMMENT ON COLUMN short_lived_records.consumed_at IS 'internal: when it was used, set once';
COMMENT ON TABLE replay_marks IS 'Values that may be used once: assertion and DPoP proof ids.';
COMMENT ON COLUMN replay_marks.mark_hash IS 'secret: SHA-256 of scope and value';
COMMENT ON COLUMN replay_marks.expires_at IS 'internal: usable again from this second on';
