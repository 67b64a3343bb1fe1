#!/usr/bin/env bash
# Runs reconcile.sh --from-db again and again, as Kindler's reconcile_loop.sh does; a failed run ends it, with its code.
#
#   scripts/reconcile_loop.sh [--interval N[smhd]] [--max-runs N | --once] [--history-file FILE] [FLAGS of reconcile.sh]
#
# A bare N is minutes; the default is RECONCILE_LOOP_INTERVAL, RECONCILE_INTERVAL seconds, or 15m.

set -euo pipefail
# shellcheck source=scripts/lib/wrapper.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib/wrapper.sh"

seconds() { # seconds TEXT: 90s, 15m, 1h, 2d; a bare number is minutes
  local number=${1%[smhd]} unit=${1##*[0-9]}
  [[ $number =~ ^[0-9]+$ && ! $number =~ ^0+$ ]] || misused "'$1' is no interval such as 15m"
  number=$((10#$number))
  case "$unit" in
    s) echo "$number" ;;
    m | '') echo $((number * 60)) ;;
    h) echo $((number * 3600)) ;;
    d) echo $((number * 86400)) ;;
    *) misused "'$1' is no interval such as 15m" ;;
  esac
}

interval=${RECONCILE_LOOP_INTERVAL:-}
[ -n "$interval" ] || interval=${RECONCILE_INTERVAL:+${RECONCILE_INTERVAL}s}
interval=${interval:-15m}
runs=0
history=()
passed=()
while [ $# -gt 0 ]; do
  case "$1" in
    --interval) [ $# -ge 2 ] || misused "--interval needs a time"; interval=$2; shift ;;
    --max-runs) [ $# -ge 2 ] || misused "--max-runs needs a number"; runs=$2; shift ;;
    --once) runs=1 ;;
    --history-file) [ $# -ge 2 ] || misused "--history-file needs a file"; history=(--history-file "$2"); shift ;;
    -h | --help) usage; exit 0 ;;
    *) passed+=("$1") ;;
  esac
  shift
done
[[ $runs =~ ^[0-9]+$ ]] || misused "'$runs' is no number of runs"
pause=$(seconds "$interval")

one=$here/scripts/reconcile.sh
done_runs=0
while :; do
  code=0
  before=$("$one" --last-run --json "${history[@]+"${history[@]}"}" 2>/dev/null || true)
  "$one" --from-db "${history[@]+"${history[@]}"}" "${passed[@]+"${passed[@]}"}" || code=$?
  after=$("$one" --last-run --json "${history[@]+"${history[@]}"}" 2>/dev/null || true)
  # A call that came to no run has no entry of its own.
  if [ "$after" != "$before" ]; then
    "$one" --last-run "${history[@]+"${history[@]}"}" || true
    printf 'last-run-json: %s\n' "$after"
  fi
  [ "$code" -eq 0 ] || { echo "reconcile_loop.sh: the run failed (exit $code)" >&2; exit "$code"; }
  done_runs=$((done_runs + 1))
  [ "$runs" -eq 0 ] || [ "$done_runs" -lt "$runs" ] || exit 0
  sleep "$pause"
done
