"""The summary line and the history of reconcile.sh, from rollcall's JSON documents.

    history.py add FILE --run RUN.json --status STATUS.json ... -- ARGS    prints RECONCILE_SUMMARY=, appends one line
    history.py last FILE [--json]                                          prints the last line
"""

import argparse
import datetime
import fcntl
import json
import os
import sys

# What a step that got to its end is called.
DONE = {"create": "created", "delete": "deleted", "prune_row": "deleted"}
# Which of a row's steps says most about it.
ORDER = ["delete", "create", "prune_row", "start", "add_ports", "prepare", "adopt", "sweep", "register", "deregister"]


def read(path):
    """A document, or nothing where rollcall could not write one."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def steps_by_row(run):
    """The steps of each cluster or row, by name; a run's last say is that of its last round."""
    found = {}
    for step in run.get("steps", []):
        name = step["address"].rsplit("/", 1)[-1]
        found.setdefault(name, []).append(step)
    return found


def result_of(step):
    """`planned`, `created`, `deleted`, `done`, `error` or `skipped`."""
    ended = step.get("result")
    if ended is None:
        return "planned"
    if ended == "succeeded":
        return DONE.get(step["action"], "done")
    return "error" if ended == "failed" else "skipped"


def action_of(step):
    """`create`, `delete`, `prune`, or rollcall's own word."""
    return "prune" if step["action"] == "prune_row" else step["action"]


def line_of(row, steps):
    """One row as the bash scripts told of it."""
    steps = sorted(steps, key=lambda step: ORDER.index(step["action"]) if step["action"] in ORDER else len(ORDER))
    failed = [step for step in steps if step.get("result") == "failed"]
    held = [held["message"] for held in row.get("held", []) if held.get("class") not in ("information", "intended")]
    line = {
        "name": row["name"],
        "provider": row.get("provider") or "-",
        "desired": row.get("desired") or "-",
        "actual": row.get("phase") or "unknown",
        "action": "noop",
        "result": "ok",
        "message": "",
    }
    if steps:
        say = (failed or steps)[0]
        reasons = [reason["message"] for reason in say.get("reasons", [])]
        line.update(action=action_of(say), result=result_of(say), message=say.get("error") or "; ".join(reasons))
    elif held:
        line.update(result="warning", message="; ".join(held))
    return line


def summary(run, status):
    """One line for each row, and for each row that was forgotten."""
    steps = steps_by_row(run)
    rows = [row for row in status.get("clusters", []) if row.get("has_row")]
    lines = [line_of(row, steps.get(row["name"], [])) for row in rows]
    for name in sorted(set(steps) - {row["name"] for row in rows}):
        pruned = [step for step in steps[name] if step["action"] == "prune_row"]
        if pruned:
            lines.append(line_of({"name": name}, pruned))
    return lines


def add(args):
    run, status = read(args.run), read(args.status)
    lines = summary(run, status)
    print("RECONCILE_SUMMARY=" + json.dumps(lines, separators=(",", ":")))
    ended = [step.get("result") for step in run.get("steps", [])]
    entry = {
        "timestamp": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration_seconds": args.seconds,
        "exit_code": args.exit_code,
        "source": args.source,
        "invoker": args.invoker,
        "history_file": args.file,
        "args": args.args,
        "from_db": args.from_db,
        "dry_run": args.dry_run,
        "prune_missing": args.prune_missing,
        "plan_count": len(ended),
        "executed_count": ended.count("succeeded"),
        "failed_count": ended.count("failed"),
        "pruned_count": sum(1 for line in lines if line["action"] == "prune" and line["result"] == "deleted"),
        "summary": lines,
    }
    try:
        append(args.file, json.dumps(entry, separators=(",", ":")) + "\n")
    except OSError as error:
        # The run is over: how it ended does not hang on whether it can be written down.
        print(f"reconcile.sh: the history could not be written: {error}", file=sys.stderr)


def append(path, line):
    """Adds a line, one writer at a time, readable by nobody else."""
    os.umask(0o077)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(path, "a", encoding="utf-8") as file:
            file.write(line)


def last(args):
    try:
        with open(args.file, encoding="utf-8") as file:
            lines = [line for line in file if line.strip()]
        entry = json.loads(lines[-1])
    except (OSError, ValueError, IndexError):
        print(f"reconcile.sh: there is no history in {args.file}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(entry))
        return 0
    print(f"{entry['timestamp']} exit {entry['exit_code']} in {entry['duration_seconds']} s, {entry['source']}: "
          f"{entry['plan_count']} planned, {entry['executed_count']} done, {entry['failed_count']} failed, "
          f"{entry['pruned_count']} pruned")
    for line in entry["summary"]:
        print(f"  {line['name']:<24} {line['provider']:<6} {line['action']:<8} {line['result']:<8} {line['message']}")
    return 0


def main():
    parser = argparse.ArgumentParser(prog="history.py")
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add")
    adding.add_argument("file")
    for name in ("run", "status", "source", "invoker"):
        adding.add_argument(f"--{name}", required=True)
    for name in ("seconds", "exit-code"):
        adding.add_argument(f"--{name}", type=int, required=True)
    for name in ("from-db", "dry-run", "prune-missing"):
        adding.add_argument(f"--{name}", action="store_true")
    telling = commands.add_parser("last")
    telling.add_argument("file")
    telling.add_argument("--json", action="store_true")
    # What stands behind -- is the caller's, also where it looks like a flag of ours.
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    args = parser.parse_args(words[:end])
    args.args = words[end + 1 :]
    if args.command == "last":
        return last(args)
    add(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
