-- Imports of accounts from files (src/import/). One row per file, known by the hash of its content:
-- how far it was read is written in the transaction that stores the accounts, so that a run which
-- was killed goes on where it was, and each account exists once.
CREATE TABLE account_imports (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  file_hash bytea NOT NULL UNIQUE CHECK (length(file_hash) = 32),
  position bigint NOT NULL DEFAULT 0,
  lines bigint NOT NULL DEFAULT 0,
  imported bigint NOT NULL DEFAULT 0,
  present bigint NOT NULL DEFAULT 0,
  refused bigint NOT NULL DEFAULT 0,
  refused_bytes bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL,
  finished_at timestamptz
);

COMMENT ON COLUMN account_imports.id IS 'internal: named in audit events and as evidence';
COMMENT ON COLUMN account_imports.file_hash IS 'internal: SHA-256 of the file';
COMMENT ON COLUMN account_imports.position IS 'internal: bytes of the file that are dealt with';
COMMENT ON COLUMN account_imports.lines IS 'internal: lines in these bytes';
COMMENT ON COLUMN account_imports.imported IS 'internal: accounts that were made';
COMMENT ON COLUMN account_imports.present IS 'internal: lines whose account was there already';
COMMENT ON COLUMN account_imports.refused IS 'internal: lines that were refused';
COMMENT ON COLUMN account_imports.refused_bytes IS 'internal: length of the list of refused lines';
COMMENT ON COLUMN account_imports.started_at IS 'internal: role-limited';
COMMENT ON COLUMN account_imports.finished_at IS 'internal: role-limited';

GRANT SELECT, INSERT, UPDATE ON account_imports TO yirentong_app;

ALTER TABLE identity_documents ADD COLUMN evidence text;
COMMENT ON COLUMN identity_documents.evidence IS 'internal: where the proof is kept; names nobody';
COMMENT ON COLUMN password_credentials.password_hash IS
  'secret: Argon2id over an HMAC, or HMAC over an imported hash, under the pepper key named in front';
