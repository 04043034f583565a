"""Reads a ledger in a process of its own: ``reader.py PATH [SECONDS]``.

Prints the versions of its models and the number of its requests as JSON; with ``SECONDS`` reads
again and again for so long, and prints how often, and what it saw that could not be.
"""

import json
import sys
import time
from pathlib import Path

from sealift.adapters.databases.sqlite import Sqlite
from sealift.errors import MachineError
from sealift.record.model import Model


def look(db):
    """The versions, and the number of requests."""
    return [one.version for one in db.all(Model)], len(db.requests(limit=100_000))


def main(path, seconds):
    """Read once, or for a while."""
    if not seconds:
        sys.stdout.write(json.dumps(look(Sqlite(path, patience=1.0))))
        return
    end, reads, refused, wrong, most = time.monotonic() + seconds, 0, 0, [], 0
    while time.monotonic() < end:
        try:
            versions, requests = look(Sqlite(path))
        except MachineError:
            refused += 1
            continue
        reads += 1
        if versions != list(range(1, len(versions) + 1)) or len(versions) < most or requests % 50:
            wrong.append((versions[-3:], requests, most))
        most = max(most, len(versions))
    found = {"reads": reads, "refused": refused, "wrong": wrong, "most": most}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
