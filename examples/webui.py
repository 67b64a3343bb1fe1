#!/usr/bin/env python3
"""How a WebUI works with rollcall: it starts runs, follows them, and finds them again after it was killed.

    webui.py STATE overview          the clusters, as a page would list them
    webui.py STATE add PROVIDER/NAME writes a row with free ports
    webui.py STATE start             starts a repair, and follows it
    webui.py STATE attach            follows the run that was started last, also in another process

STATE is a folder of the WebUI's own. The program is ROLLCALL_BIN, or rollcall on PATH. Needs Python 3.8 and nothing else.
"""

import json
import os
import subprocess
import sys
import time

ROLLCALL = os.environ.get("ROLLCALL_BIN", "rollcall")
# How often a stored run is asked for what is new, in seconds.
POLL = 0.3


class Refused(Exception):
    """rollcall said no: what it said, and what would help."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.hints = error["hints"]
        self.code = error["exit"]["code"]


def ask(*args):
    """Asks rollcall something; the answer is a document, and an error is one too."""
    told = subprocess.run([ROLLCALL, *args, "-o", "json"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    try:
        document = json.loads(told.stdout)
    except ValueError:
        raise SystemExit(f"{ROLLCALL} answered nothing that can be read: {told.stderr.strip()}") from None
    if document["schema"] == "rollcall.error/v1":
        raise Refused(document)
    return document


def overview():
    """What a page lists: each cluster with what is the matter, and what would be done about it."""
    for cluster in ask("status")["clusters"]:
        matter = [held["message"] for held in cluster["held"] if held["class"] != "information"]
        would = sorted(set(cluster["would"]))
        print(f"{cluster['address']:<28} {cluster['sync']:<12} {cluster['health']:<10} "
              f"{'; '.join(matter) or ', '.join(would)}")


def start(state):
    """Starts a run that outlives this process, and says which one it is."""
    events = os.path.join(state, "events.ndjson")
    with open(events, "w", encoding="utf-8"):
        pass
    with open(os.path.join(state, "log"), "ab") as log:
        # A session of its own: whatever ends the WebUI does not end the run.
        run = subprocess.Popen(
            [ROLLCALL, "reconcile", "--repair", "--events", events, "-q"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
    for event in lines_of(events, lambda: run.poll() is None):
        run_id = event.get("run_id")
        if run_id:
            with open(os.path.join(state, "run"), "w", encoding="utf-8") as file:
                file.write(run_id)
            return run_id
        if event["type"] == "run_finished":
            print(f"{event['message']}: there was nothing to do, or nothing that may be done")
            raise SystemExit(event["exit"])
    raise SystemExit(f"no run began; see {os.path.join(state, 'log')}")


def lines_of(path, alive):
    """The events in a file that is still being written, as long as somebody writes it."""
    with open(path, encoding="utf-8") as file:
        rest = ""
        while True:
            lasts = alive()
            rest += file.read()
            whole, _, rest = rest.rpartition("\n")
            for line in whole.splitlines():
                yield json.loads(line)
            if not lasts:
                return
            time.sleep(POLL)


def stored(run_id):
    """The events of a run, as far as rollcall has stored them."""
    told = subprocess.run([ROLLCALL, "history", run_id, "-o", "ndjson"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return [json.loads(line) for line in told.stdout.splitlines()]


def state_of(run_id):
    """`running`, `ended` or `died`."""
    runs = [run for run in ask("history", "-n", "100")["items"] if run["run_id"] == run_id]
    return runs[0]["state"] if runs else "forgotten"


def follow(run_id):
    """Shows every event of a run once, from the first one on, until the run ends. Says how it ended."""
    shown = 0
    while True:
        # First how it is, then what there is: what comes in between is seen by the next turn.
        state = state_of(run_id)
        for event in stored(run_id):
            if event["seq"] <= shown:
                continue
            shown = event["seq"]
            print(f"{event['seq']:>4} {event['message']}", flush=True)
            if event["type"] == "run_finished":
                return event["exit"]
        if state != "running":
            print(f"run {run_id} {state}; the next repair takes up what it left")
            return 1
        time.sleep(POLL)


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in ("overview", "add", "start", "attach"):
        print(__doc__, file=sys.stderr)
        return 2
    state, what = sys.argv[1], sys.argv[2]
    os.makedirs(state, exist_ok=True)
    try:
        if what == "overview":
            return overview()
        if what == "add":
            added = ask("cluster", "add", sys.argv[3], "--http-port", "free", "--https-port", "free")
            return print(json.dumps(added["spec"]))
        if what == "start":
            return follow(start(state))
        with open(os.path.join(state, "run"), encoding="utf-8") as file:
            return follow(file.read())
    except Refused as refused:
        print(f"{refused}\n" + "\n".join(f"  -> {hint}" for hint in refused.hints), file=sys.stderr)
        return refused.code


if __name__ == "__main__":
    sys.exit(main())
