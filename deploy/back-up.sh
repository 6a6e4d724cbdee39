#!/usr/bin/env bash
# One back-up of the database into a new folder FOLDER/<UTC time>/, complete once it has a `manifest`.
#
#   DATABASE_URL=postgres://… deploy/back-up.sh dump FOLDER    one consistent copy, restored to that moment
#   DATABASE_URL=postgres://… deploy/back-up.sh base FOLDER    with a WAL archive: restored to any moment after it
#
# `dump` needs the tables' owner, `base` a role with REPLICATION that may also read the tables. Key
# files are not in it: they are kept apart (docs/operating.md, section 8). deploy/restore-drill.sh
# restores the newest one.
set -euo pipefail
method=${1:?dump or base} folder=${2:?a folder for back-ups}
: "${DATABASE_URL:?a PostgreSQL connection string}"
umask 077
target=$folder/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$folder"
mkdir "$target"

ask() { psql -XAtq -v ON_ERROR_STOP=1 "$DATABASE_URL" -c "$1"; }
# Counted before: what is restored has at least as many.
manifest="method=$method
database=$(ask 'SELECT current_database()')
accounts=$(ask 'SELECT count(*) FROM accounts')
audit_events=$(ask 'SELECT coalesce(max(seq), 0) FROM audit_events')
migrations=$(ask 'SELECT count(*) FROM schema_migrations')"

case $method in
dump) pg_dump --format=custom --file="$target/database.dump" "$DATABASE_URL" ;;
base)
  pg_basebackup --dbname="$DATABASE_URL" --pgdata="$target" --format=tar --gzip \
    --wal-method=fetch --checkpoint=fast --label=yirentong
  ;;
*) echo "not a method: $method" >&2 && exit 2 ;;
esac
printf '%s\n' "$manifest" >"$target/manifest"
echo "$target"
