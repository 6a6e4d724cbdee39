-- The passwords of accounts; owned by src/authenticators/password/.
CREATE TABLE password_credentials (
  account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
  password_hash text NOT NULL,
  changed_at timestamptz NOT NULL,
  previous_hashes text[] NOT NULL DEFAULT '{}' CHECK (cardinality(previous_hashes) <= 5)
);

COMMENT ON COLUMN password_credentials.account_id IS 'internal: never shown outside';
COMMENT ON COLUMN password_credentials.password_hash IS
  'secret: Argon2id over an HMAC under the pepper key named in front';
COMMENT ON COLUMN password_credentials.changed_at IS 'internal: shown to the person only';
COMMENT ON COLUMN password_credentials.previous_hashes IS
  'secret: as password_hash; the last five, newest first, so that they are not chosen again';

GRANT SELECT, INSERT, UPDATE ON password_credentials TO yirentong_app;
