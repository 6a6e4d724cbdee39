-- One account per person; never shown outside. What names the person is sealed, what finds the
-- account is a blind index.
CREATE TABLE accounts (
  id uuid PRIMARY KEY,
  status text NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'locked', 'frozen', 'cancelled', 'deceased')),
  channel text NOT NULL,
  username_sealed text,
  username_index text UNIQUE,
  phone_sealed text,
  phone_index text UNIQUE,
  phone_verified_at timestamptz,
  email_sealed text,
  email_verified_at timestamptz,
  real_name_level smallint NOT NULL DEFAULT 1 CHECK (real_name_level BETWEEN 1 AND 5),
  real_name_method text,
  real_name_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

COMMENT ON COLUMN accounts.id IS 'internal: random UUID v7, never shown outside';
COMMENT ON COLUMN accounts.status IS 'internal: role-limited';
COMMENT ON COLUMN accounts.channel IS 'internal: channel of registration';
COMMENT ON COLUMN accounts.username_sealed IS 'personal: sealed';
COMMENT ON COLUMN accounts.username_index IS 'personal: blind index';
COMMENT ON COLUMN accounts.phone_sealed IS 'personal: sealed, E.164';
COMMENT ON COLUMN accounts.phone_index IS 'personal: blind index';
COMMENT ON COLUMN accounts.phone_verified_at IS 'internal: role-limited';
COMMENT ON COLUMN accounts.email_sealed IS 'personal: sealed';
COMMENT ON COLUMN accounts.email_verified_at IS 'internal: role-limited';
COMMENT ON COLUMN accounts.real_name_level IS 'internal: DESIGN levels 1 to 5';
COMMENT ON COLUMN accounts.real_name_method IS 'internal: how the level was reached';
COMMENT ON COLUMN accounts.real_name_at IS 'internal: when the level was reached';
COMMENT ON COLUMN accounts.created_at IS 'internal: role-limited';
COMMENT ON COLUMN accounts.updated_at IS 'internal: role-limited';

GRANT SELECT, INSERT, UPDATE ON accounts TO yirentong_app;
