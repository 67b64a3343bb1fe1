"""Connects to every port that a verified cluster publishes on this host."""

import json
import socket
import sys


def answers(port):
    """Whether somebody takes a connection."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10):
            return True
    except OSError:
        return False


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    failed = 0
    for row in document["clusters"]:
        if row.get("desired") == "absent" or document["sandbox"]:
            continue
        for inside, port in sorted(row["ports"].items()):
            taken = answers(int(port))
            failed += not taken
            print(f"{row['name']}: {port} -> {inside}: {'answers' if taken else 'takes no connection'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
