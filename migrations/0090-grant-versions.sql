-- Copies of a grant (in Redis) carry the version that the row had; every durable write makes the next
-- one and announces it in `changes`, so that older copies are not trusted (src/store/grants.ts).
ALTER TABLE grants ADD COLUMN version integer NOT NULL DEFAULT 1;

COMMENT ON COLUMN grants.version IS 'internal: grows with every write; copies of an older one are not trusted';
