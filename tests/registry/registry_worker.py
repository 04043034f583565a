"""A process of its own that pushes or pulls, and says what it took: ``peak`` in MB of memory."""

import json
import sys
from pathlib import Path

from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.push import push
from sealift.adapters.stores.layout import Layout


def main():
    """``push|pull FOLDER REFERENCE [DIGEST]``."""
    action, folder, reference, *rest = sys.argv[1:]
    store = Layout(Path(folder) / "layout", Path(folder) / "unpacked")
    work = {
        "push": lambda: push(store, rest[0], reference).digest,
        "pull": lambda: pull(reference, store),
    }
    found = work[action]()
    sys.stdout.write(json.dumps({"digest": found, "peak": peak()}))


def peak():
    """The most memory that this process had; getrusage would count its parent's before exec too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    most = next(line for line in lines if line.startswith("VmHWM:"))
    return int(most.split()[1]) / 1024


if __name__ == "__main__":
    main()
