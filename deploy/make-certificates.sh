#!/usr/bin/env bash
# Certificates for trying things out, never for real people: a certificate authority of our own and a
# certificate for the host name given. Browsers trust it once ca.pem is imported.
#
#   deploy/make-certificates.sh login.example.gov.cn [FOLDER]     (default: deploy/certificates)
set -euo pipefail
host=${1:?name the host, e.g. login.example.gov.cn}
folder=${2:-$(dirname "$0")/certificates}
mkdir -p "$folder"
umask 077

if [ ! -e "$folder/ca.key" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 365 \
    -subj '/CN=YiRenTong development CA' -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' \
    -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null
fi
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "/CN=$host" \
  -keyout "$folder/login.key" -out "$folder/login.csr" 2>/dev/null
openssl x509 -req -in "$folder/login.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" \
  -CAcreateserial -sha256 -days 90 -out "$folder/leaf.pem" -extfile <(printf '%s\n' \
    "subjectAltName=DNS:$host" 'basicConstraints=CA:FALSE' 'extendedKeyUsage=serverAuth' \
    'keyUsage=digitalSignature') 2>/dev/null
cat "$folder/leaf.pem" "$folder/ca.pem" >"$folder/login.pem"
rm "$folder/login.csr" "$folder/leaf.pem"
chmod 0644 "$folder/ca.pem" "$folder/login.pem"
echo "$folder/login.pem and login.key for $host; import $folder/ca.pem where it is to be trusted"
