"""A run of the small project in a process of its own: ``train_worker.py ROOT [LIMIT]``.

With LIMIT no file may grow beyond so many bytes from the start of the run on, as on a full disk.
"""

import resource
import sys
from pathlib import Path

from train_project import Small, in_bubblewrap

from sealift.errors import SealiftError


def main(root, limit=None):
    """Run it as its files are; the error goes to stderr, its exit code to the parent."""
    small = in_bubblewrap(Path(root)) if limit is None else Small(Path(root), fresh=False)
    small.text = small.folders.file.read_text()
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        small.run()
    except SealiftError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
