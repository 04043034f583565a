"""A run of the small project in a process of its own: ``train_worker.py ROOT [LIMIT [SHARED]]``.

With LIMIT no file may grow beyond so many bytes from the start of the run on, as on a full disk.
"""

import resource
import sys
from pathlib import Path

from train_project import Small, in_bubblewrap

from sealift.adapters.caches.folder import Folder
from sealift.adapters.caches.team import TeamCache
from sealift.errors import SealiftError


def main(root, limit="", shared=""):
    """Run it as its files are; the error goes to stderr, its exit code to the parent."""
    small = Small(Path(root), fresh=False) if limit else in_bubblewrap(Path(root))
    small.text = small.folders.file.read_text()
    if shared:
        small.cache = TeamCache(Folder(Path(shared)), small.store)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        small.run()
    except SealiftError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
