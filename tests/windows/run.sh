#!/bin/sh
# Runs the Windows build of the provider under wine, with a Windows build of OpenTofu, against the local Azure
# simulator. `make test-windows` builds what it needs:
#
#   run.sh PROVIDER_EXE TOFU_EXE SIMULATOR BCRYPTPRIMITIVES_DLL SOURCE_ADDRESS
set -eu

provider=$(realpath "$1") tofu=$(realpath "$2") simulator=$(realpath "$3") shim=$(realpath "$4") source=$5
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
mkdir "$folder/with blanks"
work="$folder/with blanks"

export WINEPREFIX="$folder/wine" WINEDEBUG=-all WINEDLLOVERRIDES="bcryptprimitives=n;mscoree,mshtml="
simulator_pid=

stop() {
    [ -z "$simulator_pid" ] || kill "$simulator_pid" 2>/dev/null || true
    wineserver -k 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM

step() { printf '%s ... ' "$1"; }
ok() { echo ok; }
fail() {
    echo FAILED
    printf "%s\n" "$1" >&2
    exit 1
}

# Waits up to two minutes until a command succeeds.
until_true() {
    seconds=0
    until "$@"; do
        seconds=$((seconds + 1))
        [ "$seconds" -le 120 ] || return 1
        sleep 1
    done
}

# The processes of a Windows program in this run.
processes() { pgrep -f "$1" || true; }
no_provider() { [ -z "$(processes "providers.*terraform-provider-acr")" ]; }
a_provider() { ! no_provider; }

# Requests to the simulator itself.
azure() { curl -sS --noproxy "*" --cacert "$work/ca.pem" "$@"; }
leftovers() { azure "$endpoint/_simulator/leftovers"; }
has_tasks() { leftovers | grep -q "\"tasks\":$1[,}]"; }
knobs() { azure -o "$work/knobs.json" -d "$1" "$endpoint/_simulator/knobs"; }
tofu() { (cd "$work" && wine "$tofu" "$@"); }

step "a Windows with wine"
wineboot -i >"$work/wine.log" 2>&1 || fail "$(cat "$work/wine.log")"
cp "$shim" "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll"
wineserver -w
ok

step "the Azure simulator"
"$simulator" --registry contoso --ca-file "$work/ca.pem" --env-file "$work/environment" >"$work/ready.json" &
simulator_pid=$!
until_true test -s "$work/ready.json" || fail "it does not start"
endpoint=$(sed 's/.*"endpoint":"\([^"]*\)".*/\1/' "$work/ready.json")
# The simulator's certificate authority is in the store of the system. wine can't verify with extra roots.
# shellcheck disable=SC1091
. "$work/environment"
unset SSL_CERT_FILE SSL_CERT_DIR
ok

step "a certificate authority in the system's store"
openssl x509 -in "$work/ca.pem" -outform der -out "$work/ca.der"
thumbprint=$(openssl x509 -in "$work/ca.pem" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')
# The value of a certificate in the registry: property 32 (the certificate), 1, its length, its bytes.
size=$(wc -c <"$work/ca.der")
blob=$({
    printf '\040\000\000\000\001\000\000\000'
    printf "\\$(printf %03o $((size % 256)))\\$(printf %03o $((size / 256)))\\000\\000"
    cat "$work/ca.der"
} | od -An -v -tx1 | tr -s ' \n' ',' | sed 's/^,//; s/,$//')
store='HKEY_LOCAL_MACHINE\Software\Microsoft\SystemCertificates\Root\Certificates'
printf 'REGEDIT4\r\n\r\n[%s\\%s]\r\n"Blob"=hex:%s\r\n' "$store" "$thumbprint" "$blob" >"$work/ca.reg"
# Windows ignores that the certificates have no revocation list, and wine does not.
dll=$(printf 'bcryptprimitives.dll\0\0' | od -An -v -tx1 | tr -s ' \n' ',' | sed 's/^,//; s/,$//')
revocation='HKEY_LOCAL_MACHINE\Software\Microsoft\Cryptography\OID\EncodingType 1\CertDllVerifyRevocation\DEFAULT'
printf '\r\n[%s]\r\n"Dll"=hex(7):%s\r\n' "$revocation" "$dll" >>"$work/ca.reg"
wine regedit "$(winepath -w "$work/ca.reg")" || fail "regedit refuses it"
ok

step "the handshake"
line=$(cd "$work" && TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2 \
    PLUGIN_MIN_PORT=10000 PLUGIN_MAX_PORT=25000 timeout 60 wine "$provider" </dev/null 2>"$work/handshake.log" | head -1)
case $line in
"1|6|tcp|127.0.0.1:"*) ok ;;
*) fail "$line $(cat "$work/handshake.log")" ;;
esac

# wine makes no symbolic links, which an installation from a mirror needs.
namespace=${source#*/}
mkdir "$work/providers"
cp "$provider" "$work/providers/terraform-provider-acr.exe"
TF_CLI_CONFIG_FILE=$(winepath -w "$work/cli.tfrc")
export TF_CLI_CONFIG_FILE
cat >"$work/cli.tfrc" <<CONFIG
provider_installation {
  dev_overrides {
    "registry.opentofu.org/$namespace" = "$(winepath -w "$work/providers" | sed 's/\\/\\\\/g')"
  }
}
CONFIG
cat >"$work/main.tf" <<CONFIG
terraform {
  required_providers {
    acr = { source = "registry.opentofu.org/$namespace" }
  }
}
resource "acr_continuous_patching_workflow" "test" {
  registry_id  = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
  schedule     = "7d"
  repositories = { python = { tags = ["3.11"] } }
}
output "days" {
  value = provider::acr::schedule_days("7d")
}
CONFIG

step "plan, apply and destroy"
tofu plan -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
tofu apply -auto-approve -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
has_tasks 3 || fail "$(leftovers)"
tofu plan -detailed-exitcode -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
tofu destroy -auto-approve -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
has_tasks 0 || fail "$(leftovers)"
until_true no_provider || fail "a provider process is left"
ok

step "a secret in a file with a drive letter and blanks"
printf %s "$ARM_CLIENT_SECRET" >"$WINEPREFIX/drive_c/client secret.txt"
(
    unset ARM_CLIENT_SECRET
    export ARM_CLIENT_SECRET_FILE_PATH='C:\client secret.txt'
    tofu apply -auto-approve -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
    tofu destroy -auto-approve -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
)
ok

step "the Azure CLI with a subscription"
tools="$WINEPREFIX/drive_c/Azure CLI"
mkdir "$tools"
sed 's/$/\r/' "$here/az.cmd" >"$tools/az.cmd"
for resource in management.azure.com containerregistry.azure.net; do
    token=$(azure "$endpoint/$ARM_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials \
        -d "client_id=$ARM_CLIENT_ID" --data-urlencode "client_secret=$ARM_CLIENT_SECRET" \
        --data-urlencode "scope=https://$resource/.default" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
    case $resource in management*) name=management ;; *) name=registry ;; esac
    printf '{"accessToken":"%s","expires_on":%s,"tokenType":"Bearer"}' "$token" "$(($(date +%s) + 3000))" >"$tools/$name.json"
done
(
    unset ARM_CLIENT_ID ARM_CLIENT_SECRET ARM_TENANT_ID
    export ARM_USE_CLI=true WINEPATH='C:\Azure CLI'
    tofu apply -auto-approve -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
    tofu destroy -auto-approve -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
)
grep -q -- '--subscription "\{0,1\}00000000-0000-0000-0000-000000000000' "$tools/arguments.txt" || fail "$(cat "$tools/arguments.txt")"
ok

step "Ctrl-C"
knobs '{"provisioning_looks": 100000}'
(cd "$work" && exec wine "$tofu" apply -auto-approve -no-color >"$work/log" 2>&1) &
until_true has_tasks 3 || fail "$(cat "$work/log")"
kill -INT "$(processes 'tofu.exe.*apply' | head -1)"
until_true no_provider || fail "$(cat "$work/log")"
wait $! && fail "an interrupted apply ends with 0" || true
knobs '{"provisioning_looks": 0}'
tofu state list >"$work/log" 2>&1 || fail "$(cat "$work/log")"
grep -q acr_continuous_patching_workflow.test "$work/log" || fail "the state has no workflow: $(cat "$work/log")"
tofu destroy -auto-approve -no-color >"$work/log" 2>&1 || fail "$(cat "$work/log")"
has_tasks 0 || fail "$(leftovers)"
ok

step "the end of the host"
knobs '{"latency_ms": 2000}'
(cd "$work" && exec wine "$tofu" apply -auto-approve -no-color >"$work/log" 2>&1) &
until_true a_provider || fail "$(cat "$work/log")"
kill -KILL "$(processes 'tofu.exe.*apply' | head -1)"
wait $! || true
until_true no_provider || fail "the provider outlives its host"
ok
