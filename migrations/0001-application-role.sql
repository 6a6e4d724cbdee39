-- The application's role: every later migration grants it just what the server needs. Roles belong
-- to the whole server, so another database of the same server may have made it already, even at
-- this moment.
DO $$
BEGIN
  CREATE ROLE yirentong_app NOLOGIN;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO yirentong_app;
GRANT SELECT ON schema_migrations TO yirentong_app;
