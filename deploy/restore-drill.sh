#!/usr/bin/env bash
# Proves that the back-ups can be restored: restores the newest one of deploy/back-up.sh into a
# PostgreSQL of its own, opens it with the backed-up keys, verifies the audit chain, ends what the
# back-up calls alive (`restore finish`), starts a server and signs in. Prints how old the restored
# data are (RPO) and how long it took (RTO), and leaves nothing behind. Exit code 0: all went well.
#
#   BACKUPS=/backup/database KEYS=/backup/keys.tar ACCOUNT=… PASSWORD_FILE=… deploy/restore-drill.sh
#
# BACKUPS        folder of back-ups; the newest complete one is taken
# KEYS           the nine key files: a folder, or a tar with them (decrypted)
# ACCOUNT, PASSWORD_FILE   a synthetic account that signs in; left out, nobody does
# WAL            archive of WAL files; replayed after a `base` back-up
# TARGET_TIME    replay to this moment, e.g. '2026-11-23 08:00:00+08'; to the end when left out
# CHECK          a command of your own, run with ISSUER set while the restored server answers
# DRILL_PORT     first of three ports on 127.0.0.1 (server, probes, PostgreSQL); 39000 when left out
set -euo pipefail
: "${BACKUPS:?a folder of back-ups}" "${KEYS:?the key files}"
project=$(cd "$(dirname "$0")/.." && pwd)
port=${DRILL_PORT:-39000} probes=$((${DRILL_PORT:-39000} + 1)) database_port=$((${DRILL_PORT:-39000} + 2))
began=$SECONDS
work=$(mktemp -d)
server=

step() { printf '%4d s  %s\n' $((SECONDS - began)) "$*"; }
fail() { step "FAILED: $*" && exit 1; }
# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@")
  else "$@"; fi
}
pg() { as_postgres "$binaries/$1" "${@:2}"; }
ask() { psql -XAtq -v ON_ERROR_STOP=1 "$url" -c "$1"; }
# Nothing of this shell's environment: only what is restored.
yirentong() { (cd "$project" && env -i PATH="$PATH" "${settings[@]}" "$@"); }

clean_up() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }
  [ ! -e "$work/data/postmaster.pid" ] || pg pg_ctl -s -D "$work/data" -m immediate stop || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

binaries=$(command -v initdb >/dev/null && dirname "$(command -v initdb)" ||
  printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
newest=$(find "$BACKUPS" -mindepth 2 -maxdepth 2 -name manifest -printf '%h\n' | sort | tail -n 1)
[ -n "$newest" ] || fail "no complete back-up in $BACKUPS"
value() { sed -n "s/^$1=//p" "$newest/manifest"; }
database=$(value database)
url="postgres://postgres@127.0.0.1:$database_port/$database"
settings=(NODE_ENV=production "ISSUER=http://localhost:$port" "YRT_TEST_REALM=localhost:$port"
  "DATABASE_URL=$url" "YRT_KEYS_DIRECTORY=$work/keys" "YRT_LISTEN_PORT=$port"
  "YRT_PROBES_PORT=$probes" YRT_LOG_LEVEL=error)
step "restoring $newest ($(value method))"

# --- the database -------------------------------------------------------------------------------
start_postgresql() {
  local options="-c port=$database_port -c listen_addresses=127.0.0.1"
  options+=" -c unix_socket_directories='' -c hba_file=$work/hba.conf -c archive_mode=off"
  options+=" -c shared_preload_libraries='' -c ssl=off -c hot_standby=off -c fsync=off"
  pg pg_ctl -s -w -t 3600 -D "$work/data" -l "$work/postgresql.log" -o "$options" start ||
    { tail -n 20 "$work/postgresql.log" && fail 'PostgreSQL does not start'; }
}
restore_dump() {
  pg initdb -D "$work/data" -U postgres --encoding=UTF8 --locale=C.UTF-8 >/dev/null
  start_postgresql
  local maintenance="postgres://postgres@127.0.0.1:$database_port/postgres"
  psql -Xq -v ON_ERROR_STOP=1 "$maintenance" \
    -c 'CREATE ROLE yirentong_app NOLOGIN' -c "CREATE DATABASE \"$database\""
  pg_restore --no-owner --exit-on-error --jobs="$(nproc)" --dbname="$url" "$newest/database.dump"
}
restore_base() {
  tar -xzf "$newest/base.tar.gz" -C "$work/data"
  [ ! -e "$newest/pg_wal.tar.gz" ] || tar -xzf "$newest/pg_wal.tar.gz" -C "$work/data/pg_wal"
  # Debian keeps the configuration elsewhere; options of the old machine mean nothing here.
  : >"$work/data/postgresql.conf"
  : >"$work/data/postgresql.auto.conf"
  if [ -n "${WAL:-}" ]; then
    touch "$work/data/recovery.signal"
    printf "restore_command = 'cp \"%s/%%f\" \"%%p\"'\n" "$WAL" >>"$work/data/postgresql.conf"
    [ -z "${TARGET_TIME:-}" ] || printf "%s\n" "recovery_target_time = '$TARGET_TIME'" \
      "recovery_target_action = 'promote'" >>"$work/data/postgresql.conf"
  fi
  [ "$(id -u)" != 0 ] || chown -R postgres: "$work/data"
  start_postgresql
  until [ "$(ask 'SELECT pg_is_in_recovery()')" = f ]; do sleep 0.2; done
}
mkdir -m 0700 "$work/data"
echo 'host all all 127.0.0.1/32 trust' >"$work/hba.conf"
touch "$work/postgresql.log"
if [ "$(id -u)" = 0 ]; then chown postgres: "$work" "$work/data" "$work/hba.conf" "$work/postgresql.log"; fi
case $(value method) in
dump) restore_dump ;;
base) restore_base ;;
*) fail "unknown method in $newest/manifest" ;;
esac
step 'the database answers'

# --- what is in it ------------------------------------------------------------------------------
# The place in the audit chain, as in the manifest: rows past their retention are gone.
for counted in 'accounts count(*)' 'audit_events coalesce(max(seq),0)'; do
  read -r table number <<<"$counted"
  restored=$(ask "SELECT $number FROM $table")
  [ "$restored" -ge "$(value "$table")" ] || fail "$table: $restored restored, $(value "$table") were backed up"
  step "$table: $restored"
done
newest_event=$(ask 'SELECT max(occurred_at) FROM audit_events')
age=$(ask 'SELECT round(extract(epoch FROM now() - max(occurred_at))) FROM audit_events')

# --- the keys -----------------------------------------------------------------------------------
mkdir -m 0700 "$work/keys"
if [ -d "$KEYS" ]; then cp "$KEYS"/*.json "$work/keys"; else
  tar -xf "$KEYS" -C "$work/keys" --transform='s|.*/||' --wildcards '*.json'
fi
chmod 0600 "$work/keys"/*.json

# --- make it safe to use, and use it ------------------------------------------------------------
run=(node bin/run.mjs)
yirentong "${run[@]}" src/cli.ts migrate >/dev/null
yirentong "${run[@]}" src/cli.ts audit verify || fail 'the audit chain is broken'
step 'the audit chain is verified'
yirentong "${run[@]}" src/cli.ts restore finish
alive=$(ask 'SELECT (SELECT count(*) FROM sessions WHERE ended_at IS NULL AND account_id IS NOT NULL)
  + (SELECT count(*) FROM grants WHERE revoked_at IS NULL AND account_id IS NOT NULL)')
[ "$alive" = 0 ] || fail "$alive sessions and grants are still alive"
# A drill tells nobody: real sites must not hear of sign-outs from here.
ask 'DELETE FROM outbox'
step 'sessions and grants of the back-up are ended'

cd "$project"
env -i PATH="$PATH" "${settings[@]}" "${run[@]}" src/main.ts &
server=$!
until curl -fso /dev/null "http://127.0.0.1:$probes/readyz"; do
  kill -0 "$server" 2>/dev/null || fail 'the server does not start'
  sleep 0.2
done
step 'the server is ready'
if [ -n "${ACCOUNT:-}" ]; then
  ISSUER="http://localhost:$port" ACCOUNT=$ACCOUNT PASSWORD_FILE=${PASSWORD_FILE:?} \
    node bin/run.mjs deploy/try-sign-in.mjs || fail "$ACCOUNT cannot sign in"
  step "$ACCOUNT signs in"
fi
if [ -n "${CHECK:-}" ]; then
  ISSUER="http://localhost:$port" bash -c "$CHECK" || fail "the check of your own: $CHECK"
  step 'the check of your own passes'
fi
echo
echo "RPO: the newest event restored is of $newest_event, $age s ago"
echo "RTO: $((SECONDS - began)) s from the back-up to the first sign-in"
