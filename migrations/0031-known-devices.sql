-- Devices that an account signed in from: their wrong answers are counted apart, so that an attacker
-- elsewhere cannot lock their owner out (src/sign-in/known-devices.ts).
CREATE TABLE known_devices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  handle_hash bytea NOT NULL,
  last_used_at timestamptz NOT NULL,
  UNIQUE (account_id, handle_hash)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON known_devices TO yirentong_app;

COMMENT ON COLUMN known_devices.id IS 'internal: random; names the device''s bucket in sign_in_attempts';
COMMENT ON COLUMN known_devices.account_id IS 'internal: random number of the account, never shown outside';
COMMENT ON COLUMN known_devices.handle_hash IS 'secret: SHA-256 of the device cookie''s random value';
COMMENT ON COLUMN known_devices.last_used_at IS 'internal: last sign-in from this device';
