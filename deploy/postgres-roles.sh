#!/bin/bash
# Run once by the PostgreSQL image on an empty data folder: the three roles of docs/operating.md.
set -euo pipefail
owner=$(cat /run/secrets/database_owner_password)
server=$(cat /run/secrets/database_server_password)
# The passwords go through standard input, never over a command line that others can list.
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
CREATE ROLE yirentong_app NOLOGIN;
CREATE ROLE yirentong_owner LOGIN PASSWORD '$owner';
CREATE ROLE yirentong_server LOGIN PASSWORD '$server' IN ROLE yirentong_app;
ALTER DATABASE $POSTGRES_DB OWNER TO yirentong_owner;
ALTER SCHEMA public OWNER TO yirentong_owner;
REVOKE ALL ON DATABASE $POSTGRES_DB FROM PUBLIC;
GRANT CONNECT ON DATABASE $POSTGRES_DB TO yirentong_server;
SQL
