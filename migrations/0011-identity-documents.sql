-- Identity documents of accounts. A number that an authoritative source confirmed is bound, and a
-- bound number belongs to one account in the whole system: the partial unique index decides, not a
-- read before the write. A number somebody merely typed (level 2) binds nothing.
CREATE TABLE identity_documents (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  type text NOT NULL,
  type_group text NOT NULL,
  country text NOT NULL,
  number_sealed text NOT NULL,
  number_index text NOT NULL,
  name_sealed text NOT NULL,
  valid_to date,
  verified_at timestamptz,
  verified_by text,
  verified_how text,
  is_bound boolean NOT NULL,
  is_primary boolean NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX identity_documents_one_binding
  ON identity_documents (type_group, country, number_index) WHERE is_bound;
CREATE UNIQUE INDEX identity_documents_one_primary
  ON identity_documents (account_id) WHERE is_primary;

COMMENT ON COLUMN identity_documents.id IS 'internal: random UUID v7';
COMMENT ON COLUMN identity_documents.account_id IS 'internal: random UUID v7';
COMMENT ON COLUMN identity_documents.type IS 'internal: document type code';
COMMENT ON COLUMN identity_documents.type_group IS 'internal: types that share one numbering';
COMMENT ON COLUMN identity_documents.country IS 'internal: issuing country, ISO 3166-1 alpha-3';
COMMENT ON COLUMN identity_documents.number_sealed IS 'sensitive: sealed';
COMMENT ON COLUMN identity_documents.number_index IS 'sensitive: blind index';
COMMENT ON COLUMN identity_documents.name_sealed IS 'personal: sealed';
COMMENT ON COLUMN identity_documents.valid_to IS 'internal: last day of validity, NULL for 长期';
COMMENT ON COLUMN identity_documents.verified_at IS 'internal: role-limited';
COMMENT ON COLUMN identity_documents.verified_by IS 'internal: register, adapter or clerk';
COMMENT ON COLUMN identity_documents.verified_how IS 'internal: method';
COMMENT ON COLUMN identity_documents.is_bound IS 'internal: confirmed by an authoritative source';
COMMENT ON COLUMN identity_documents.is_primary IS 'internal: shown first';
COMMENT ON COLUMN identity_documents.created_at IS 'internal: role-limited';

GRANT SELECT, INSERT, UPDATE, DELETE ON identity_documents TO yirentong_app;
