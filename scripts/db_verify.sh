#!/usr/bin/env bash
# Says whether every row is true, with the exit codes and the summary line of Kindler's db_verify.sh.
#
#   scripts/db_verify.sh [--json-summary] [--cleanup-missing]
#
# --cleanup-missing forgets rows whose clusters are proven gone, as 'rollcall reconcile --prune=rows' does: guards hold,
# and 'rollcall cluster restore' brings them back.
#
# exit codes: 0 every row is true; 10 a cluster is missing; 11 something else differs; 1 it could not be found out

set -euo pipefail
# shellcheck source=scripts/lib/wrapper.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib/wrapper.sh"

json='' cleanup=''
while [ $# -gt 0 ]; do
  case "$1" in
    --json-summary) json=1 ;;
    --cleanup-missing) cleanup=1 ;;
    -h | --help) usage; exit 0 ;;
    *) misused "unknown flag $1" ;;
  esac
  shift
done
need_python
find_rollcall
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$cleanup" ]; then "$rollcall" reconcile --prune=rows </dev/null || exit 1; fi
code=0
"$rollcall" verify -o table -o "json=$work/verify.json" </dev/null || code=$?
case "$code" in 0 | 3) ;; *) exit 1 ;; esac
python3 "$here/scripts/lib/verify.py" "$work/verify.json" ${json:+--json-summary}
