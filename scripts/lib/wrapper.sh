# shellcheck shell=bash
# What the wrappers share. Sourced, never run.
#
# environment:
#   ROLLCALL_BIN   the program, if it is neither on PATH nor in target/release
#   SQLITE_DB      the database, as the bash scripts of Kindler name it; ROLLCALL_DB goes first

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }
misused() { printf '%s: %s (see --help)\n' "${0##*/}" "$*" >&2; exit 1; }

# Whether DRY_RUN asks for a dry run: any value does that does not say no.
wants_dry_run() {
  case "${DRY_RUN:-}" in '' | 0 | no | false) return 1 ;; *) return 0 ;; esac
}

find_rollcall() {
  rollcall=${ROLLCALL_BIN:-}
  [ -n "$rollcall" ] || rollcall=$(command -v rollcall || true)
  [ -n "$rollcall" ] || rollcall=$here/target/release/rollcall
  [ -x "$rollcall" ] || {
    echo "${0##*/}: there is no rollcall: put it on PATH, name it in ROLLCALL_BIN, or build it: cargo build --release" >&2
    exit 1
  }
  if [ -z "${ROLLCALL_DB:-}" ] && [ -n "${SQLITE_DB:-}" ]; then export ROLLCALL_DB=$SQLITE_DB; fi
}

need_python() {
  command -v python3 >/dev/null || {
    echo "${0##*/}: python3 is missing: it writes the summary line and the history (apt-get install python3)" >&2
    exit 1
  }
}
