#!/usr/bin/env bash
# Makes the table true, with the flags, the summary line, the history and the exit codes of Kindler's reconcile.sh.
#
#   scripts/reconcile.sh [--from-db]         create, start, delete and register as the rows say
#   scripts/reconcile.sh --dry-run           say what would be done; changes nothing
#   scripts/reconcile.sh --prune-missing     forget rows whose clusters are gone; with --from-db, which makes
#                                            those clusters, take stale registrations away instead
#   scripts/reconcile.sh --last-run [--json] show the last entry of the history
#   --history-file FILE                      default: RECONCILE_HISTORY_FILE, or logs/reconcile_history.jsonl here
#
# DRY_RUN=1 is --dry-run.
#
# exit codes: 0 ok; 1 usage, or something failed or is left; 2 no database, engine or history; 3 --dry-run found drift

set -euo pipefail
# shellcheck source=scripts/lib/wrapper.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib/wrapper.sh"

given=("$@")
from_db='' dry_run='' prune='' last_run='' json=''
history=${RECONCILE_HISTORY_FILE:-$here/logs/reconcile_history.jsonl}
while [ $# -gt 0 ]; do
  case "$1" in
    --from-db) from_db=1 ;;
    --dry-run) dry_run=1 from_db=1 ;;
    --prune-missing) prune=1 ;;
    --last-run) last_run=1 ;;
    --json) json=1 ;;
    --history-file) [ $# -ge 2 ] || misused "--history-file needs a file"; history=$2; shift ;;
    -h | --help) usage; exit 0 ;;
    *) misused "unknown flag $1" ;;
  esac
  shift
done
[ -z "$json" ] || [ -n "$last_run" ] || misused "--json goes with --last-run"
! wants_dry_run || dry_run=1
need_python
if [ -n "$last_run" ]; then
  exec python3 "$here/scripts/lib/history.py" last "$history" ${json:+--json}
fi

find_rollcall
case "$from_db:$prune" in
  :1) mode=(--prune=rows) ;;
  1:1) mode=(--repair --prune=registrations) ;;
  *) mode=(--repair) ;;
esac
[ -z "$dry_run" ] || mode+=(--dry-run)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
began=$(date +%s)
code=0
"$rollcall" reconcile "${mode[@]}" -o table -o "json=$work/run.json" </dev/null || code=$?
"$rollcall" status --probe none -o "json=$work/status.json" >/dev/null 2>&1 </dev/null || true
case "$code:$dry_run" in
  0:*) exit_code=0 ;;
  3:1) exit_code=3 ;;
  12:*) exit_code=2 ;;
  *) exit_code=1 ;;
esac
python3 "$here/scripts/lib/history.py" add "$history" \
  --run "$work/run.json" --status "$work/status.json" --seconds $(($(date +%s) - began)) --exit-code "$exit_code" \
  --source "${RECONCILE_SOURCE:-manual}" --invoker "${RECONCILE_INVOKER:-${USER:-}}" \
  ${from_db:+--from-db} ${dry_run:+--dry-run} ${prune:+--prune-missing} -- "${given[@]+"${given[@]}"}"
exit "$exit_code"
