-- Token-signing keys of the whole cluster; see src/crypto/signing-keys.ts.
CREATE TABLE signing_keys (
  kid text PRIMARY KEY,
  alg text NOT NULL,
  private_jwk_sealed text NOT NULL,
  signs_from timestamptz NOT NULL,
  published_until timestamptz,
  created_at timestamptz NOT NULL
);

COMMENT ON COLUMN signing_keys.kid IS 'public: key id in JWKS and tokens';
COMMENT ON COLUMN signing_keys.alg IS 'public: JOSE algorithm';
COMMENT ON COLUMN signing_keys.private_jwk_sealed IS 'secret: sealed under the signing_wrap key';
COMMENT ON COLUMN signing_keys.signs_from IS 'internal: first moment of use';
COMMENT ON COLUMN signing_keys.published_until IS 'internal: NULL while it is the newest';
COMMENT ON COLUMN signing_keys.created_at IS 'internal: role-limited';

GRANT SELECT, INSERT, UPDATE ON signing_keys TO yirentong_app;
