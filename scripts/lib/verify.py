"""The exit code and the summary line of db_verify.sh, from the document of `rollcall verify`."""

import json
import sys


def record(row):
    """How a row is: `ok`, `missing` or `drift`. The management cluster's is not judged: a reconcile does not make it."""
    if any(held.get("code") == "management" for held in row.get("held", [])):
        return {"name": row["name"], "provider": row.get("provider") or "-", "state": "ok", "message": "management"}
    gone = row.get("phase") in ("absent", "residue")
    wanted = row.get("desired") != "absent"
    if row.get("sync") == "synced":
        state = "ok"
    else:
        state = "missing" if gone and wanted else "drift"
    message = "; ".join(held["message"] for held in row.get("held", []))
    return {"name": row["name"], "provider": row.get("provider") or "-", "state": state, "message": message}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    records = [record(row) for row in document["clusters"] if row.get("has_row")]
    missing = sum(1 for one in records if one["state"] == "missing")
    drift = sum(1 for one in records if one["state"] == "drift")
    if "--json-summary" in sys.argv:
        summary = {"total": len(records), "missing": missing, "drift": drift, "records": records}
        print("DB_VERIFY_SUMMARY=" + json.dumps(summary, separators=(",", ":")))
    if missing:
        return 10
    return 0 if document["exit"]["code"] == 0 else 11


if __name__ == "__main__":
    sys.exit(main())
