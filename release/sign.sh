#!/bin/sh
# Signs the checksums in dist/ with the publisher's key, as the Terraform registry requires: a detached binary
# signature with an RSA or DSA key. `make sign` runs it.
set -eu
: "${GPG_FINGERPRINT:?Set GPG_FINGERPRINT to the fingerprint of the publishing key.}"
cd "$(dirname "$0")/../dist"
set -- *_SHA256SUMS
[ -f "$1" ] || { echo "dist/ has no checksums. Run make dist first." >&2; exit 1; }
sha256sum --check --quiet "$1"
# The registry refuses elliptic curves. In a listing, RSA is algorithm 1 and DSA is algorithm 17.
algorithm=$(gpg --batch --with-colons --list-keys "$GPG_FINGERPRINT" | awk -F: '$1 == "pub" { print $4; exit }')
case $algorithm in
  1 | 17) ;;
  *) echo "The registry accepts only RSA and DSA keys. The key $GPG_FINGERPRINT has algorithm $algorithm." >&2; exit 1 ;;
esac
rm -f "$1.sig"
gpg --batch --local-user "$GPG_FINGERPRINT" --output "$1.sig" --detach-sign "$1"
gpg --batch --verify "$1.sig" "$1"
