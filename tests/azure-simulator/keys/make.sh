#!/bin/sh
# Recreates the key pairs and certificates in this folder. They are test data, and only the simulator
# trusts them. They are files because generating RSA keys takes seconds, and because tests should read
# PKCS#12 files that another program wrote.
set -eu
cd "$(dirname "$0")"
password=simulator-pfx-password

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -sha256 \
  -subj '/CN=Simulator test CA' -keyout ca.key -out ca.crt 2>/dev/null
for name in rsa rsa4096; do
  case $name in
    rsa) key='-newkey rsa:2048' ;;
    rsa4096) key='-newkey rsa:4096' ;;
  esac
  # shellcheck disable=SC2086
  openssl req $key -nodes -subj "/CN=Simulator application ($name)" -keyout "$name.key.pem" \
    -out "$name.csr" 2>/dev/null
  openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -days 36500 -sha256 -out "$name.crt.pem" 2>/dev/null
  pfx() { openssl pkcs12 -export -inkey "$name.key.pem" -in "$name.crt.pem" -certfile ca.crt -name "$name" "$@"; }
  pfx -passout "pass:$password" -out "$name.pfx"
  pfx -legacy -passout "pass:$password" -out "$name.legacy.pfx"
  pfx -passout pass: -out "$name.open.pfx"
done
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out issuer.key.pem 2>/dev/null
rm -f ./*.csr ca.key ca.crt ca.srl
