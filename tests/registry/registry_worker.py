"""A process of its own that pushes or pulls, and says what it took: ``peak`` in MB of memory."""

import json
import resource
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"digest": found, "peak": peak}))


if __name__ == "__main__":
    main()
