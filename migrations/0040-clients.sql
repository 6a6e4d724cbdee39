-- Relying sites. What is live is one published version; its metadata is the OpenID registration
-- metadata without the secret, which is kept only as a keyed hash.
CREATE TABLE clients (
  client_id text PRIMARY KEY,
  published_version integer NOT NULL,
  status text NOT NULL DEFAULT 'published' CHECK (status IN ('published', 'disabled', 'retired')),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE client_versions (
  client_id text NOT NULL REFERENCES clients (client_id) DEFERRABLE INITIALLY DEFERRED,
  version integer NOT NULL,
  metadata jsonb NOT NULL,
  secret_hash text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (client_id, version)
);

COMMENT ON COLUMN clients.client_id IS 'public: sent in every request';
COMMENT ON COLUMN clients.published_version IS 'internal: the live version';
COMMENT ON COLUMN clients.status IS 'internal: role-limited';
COMMENT ON COLUMN clients.created_at IS 'internal: role-limited';
COMMENT ON COLUMN clients.updated_at IS 'internal: role-limited';
COMMENT ON COLUMN client_versions.client_id IS 'public: sent in every request';
COMMENT ON COLUMN client_versions.version IS 'internal: 1, 2, 3 …';
COMMENT ON COLUMN client_versions.metadata IS 'internal: registration metadata without secrets';
COMMENT ON COLUMN client_versions.secret_hash IS 'secret: keyed hash (HMAC-SHA-256)';
COMMENT ON COLUMN client_versions.created_at IS 'internal: role-limited';

GRANT SELECT, INSERT, UPDATE ON clients TO yirentong_app;
GRANT SELECT, INSERT ON client_versions TO yirentong_app;
