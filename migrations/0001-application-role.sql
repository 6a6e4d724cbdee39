-- The application's role: every later migration grants it just what the server needs. Roles belong
-- to the whole server: it may have been made for another database, even at this moment, or by the
-- database's administrator, so that the tables' owner needs no right to create roles.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'yirentong_app') THEN
    CREATE ROLE yirentong_app NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO yirentong_app;
GRANT SELECT ON schema_migrations TO yirentong_app;
