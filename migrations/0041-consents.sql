-- What a person allowed a site to learn: one row per decision, the newest that is not withdrawn
-- counts. Kept apart from grants, which end with a sign-out; a consent outlives the session.
CREATE TABLE consents (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  client_id text NOT NULL,
  scopes text[] NOT NULL,
  claims text[] NOT NULL,
  rejected_scopes text[] NOT NULL,
  text_version text NOT NULL,
  channel text NOT NULL,
  granted_at timestamptz NOT NULL,
  withdrawn_at timestamptz
);

CREATE INDEX consents_live ON consents (account_id, client_id, granted_at DESC)
  WHERE withdrawn_at IS NULL;

COMMENT ON COLUMN consents.id IS 'internal: random UUID v7';
COMMENT ON COLUMN consents.account_id IS 'internal: random UUID v7';
COMMENT ON COLUMN consents.client_id IS 'public: sent in every request';
COMMENT ON COLUMN consents.scopes IS 'internal: scopes allowed';
COMMENT ON COLUMN consents.claims IS 'internal: single claims allowed, by name';
COMMENT ON COLUMN consents.rejected_scopes IS 'internal: optional scopes that were left unticked';
COMMENT ON COLUMN consents.text_version IS 'internal: version of the consent text shown';
COMMENT ON COLUMN consents.channel IS 'internal: channel of the decision';
COMMENT ON COLUMN consents.granted_at IS 'internal: role-limited';
COMMENT ON COLUMN consents.withdrawn_at IS 'internal: role-limited';

GRANT SELECT, INSERT, UPDATE ON consents TO yirentong_app;
