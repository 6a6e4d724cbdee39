#!/usr/bin/env bash
# The passwords of compose.yaml, one file each under deploy/secrets/; what is there stays as it is.
# The folder is its owner's alone (0700). The files are not (0444): Docker shows each to the services
# that list it, whatever user they run as.
set -euo pipefail
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"
chmod 0700 "$folder"

write() { # NAME CONTENT
  [ -e "$folder/$1" ] && return
  printf '%s\n' "$2" >"$folder/$1"
  chmod 0444 "$folder/$1"
  echo "made $folder/$1"
}
# Hexadecimal: it stands in URLs and SQL as it is.
password() { write "$1" "$(openssl rand -hex 24)"; }

password database-admin-password
password database-owner-password
password database-server-password
password redis-password
write database-url "postgres://yirentong_server:$(cat "$folder/database-server-password")@postgres:5432/yirentong"
write migration-database-url "postgres://yirentong_owner:$(cat "$folder/database-owner-password")@postgres:5432/yirentong"
write redis-url "redis://:$(cat "$folder/redis-password")@redis:6379/0"
