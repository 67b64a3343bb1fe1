#!/usr/bin/env bash
# Asks one cluster whether it works: its row is true everywhere, and whatever port its row publishes takes a connection.
#
#   scripts/smoke.sh NAME
#
# exit codes: 0 it works; 1 it does not, and why

set -euo pipefail
# shellcheck source=scripts/lib/wrapper.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib/wrapper.sh"

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  '') misused "which cluster?" ;;
esac
need_python
find_rollcall
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$rollcall" verify "$1" -o table -o "json=$work/verify.json" </dev/null || exit 1
python3 "$here/scripts/lib/smoke.py" "$work/verify.json"
