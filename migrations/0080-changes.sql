-- The change feed (src/store/change-feed.ts): what is no longer true of copies that nodes keep in
-- Redis or in memory. A row is written in the transaction of the change itself, so that one is never
-- without the other, and it is logged: a standby that is promoted must know it as well.
--
-- Rows are read in the order in which transactions become visible, which is not the order of any
-- sequence; the transaction's own number tells exactly what an earlier snapshot could not see.
CREATE TABLE changes (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  key text NOT NULL,
  version bigint,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (xid, id)
);

GRANT SELECT, INSERT, DELETE ON changes TO yirentong_app;

COMMENT ON COLUMN changes.xid IS 'internal: the transaction that made the change';
COMMENT ON COLUMN changes.id IS 'internal: tells the changes of one transaction apart';
COMMENT ON COLUMN changes.kind IS 'internal: what changed, e.g. grant, session, client, account';
COMMENT ON COLUMN changes.key IS 'secret: SHA-256 of a handle in hex, or a public or internal id';
COMMENT ON COLUMN changes.version IS 'internal: copies of this version and later are good; NULL: none ever';
COMMENT ON COLUMN changes.at IS 'internal: the database''s clock; swept when no copy can be older';
