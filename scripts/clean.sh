#!/usr/bin/env bash
# Deletes every cluster and registration that rollcall made or adopted, and leaves the rows.
#
#   scripts/clean.sh [--all | --include-devops] [--verify]
#
# --all takes the management cluster along; --verify looks again and fails if anything of ours is left.
# DRY_RUN=1 shows what would go.
#
# exit codes: 0 nothing of ours is left; 1 usage, or something failed or is left; 2 no database or engine

set -euo pipefail
# shellcheck source=scripts/lib/wrapper.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib/wrapper.sh"

all=() verify=''
while [ $# -gt 0 ]; do
  case "$1" in
    --all | --include-devops) all=(--all) ;;
    --verify) verify=1 ;;
    -h | --help) usage; exit 0 ;;
    *) misused "unknown flag $1" ;;
  esac
  shift
done
find_rollcall
dry=()
! wants_dry_run || dry=(--dry-run)
code=0
"$rollcall" clean "${all[@]+"${all[@]}"}" "${dry[@]+"${dry[@]}"}" </dev/null || code=$?
if [ "$code" -eq 0 ] && [ -n "$verify" ] && [ "${#dry[@]}" -eq 0 ]; then
  "$rollcall" clean "${all[@]+"${all[@]}"}" --dry-run </dev/null || code=$?
fi
case "$code:${#dry[@]}" in
  0:* | 3:1) exit 0 ;;
  12:*) exit 2 ;;
  *) exit 1 ;;
esac
