#!/usr/bin/env bash
# Stands in for the programs of the tasks. It records each call, fails where a test asks for it, and prints
# what the real program would print.
call="${0##*/} $*"
echo "$call" >> "$STAND_IN/calls"
if [[ "$call" == $FAIL_CALL ]]; then
  failures=$(cat "$STAND_IN/failures" 2> /dev/null || echo 0)
  if [ "$failures" -lt "$FAIL_TIMES" ]; then
    echo $(( failures + 1 )) > "$STAND_IN/failures"
    echo "ERROR: refused ${0##*/} $1" >&2
    exit 1
  fi
fi
case "$call" in
  "cssc acr "*)
    # Without the variable, the command does not exist.
    [ "$ACR_EXPERIMENTAL_CSSC" = true ] || exit 1
    cat "$STAND_IN/listing" ;;
  "cssc trivy "*) echo "{}" > "${*: -1}" ;;
  "cssc jq "*EOSL*) cat "$STAND_IN/eosl" ;;
  "cssc jq "*) cat "$STAND_IN/vulnerabilities" ;;
  "az acr task run "*) echo "WARNING: Queued a run with ID: cf$(wc -l < "$STAND_IN/calls" | tr -d " ")" >&2 ;;
esac
