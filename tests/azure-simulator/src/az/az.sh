#!/bin/bash
# Plays the Azure CLI: sends its arguments to the simulator and prints the response. The file
# `az.settings` next to the link holds the simulator's port and path, and the state of the CLI.
. "$0.settings"
LC_ALL=C
printf -v arguments '%s\n' "$@"
printf -v offset '%(%z)T' -1
if ! exec 3<>/dev/tcp/127.0.0.1/$port; then
  echo 'the simulator is not running' >&2
  exit 70
fi
printf 'POST %s HTTP/1.1\r\nHost: azure-cli\r\nConnection: close\r\nX-State: %s\r\nX-Offset: %s\r\nContent-Length: %d\r\n\r\n%s' \
  "$path" "$state" "$offset" "${#arguments}" "$arguments" >&3
IFS=' ' read -r _ status _ <&3
while IFS= read -r header <&3 && [[ $header != $'\r' ]]; do :; done
body=
while IFS= read -r line <&3 || [[ -n $line ]]; do body+=$line$'\n'; done
if [[ $status == 200 ]]; then
  printf '%s' "$body"
  exit 0
fi
printf '%s' "$body" >&2
[[ $status == 400 ]] && exit 2
exit 1
