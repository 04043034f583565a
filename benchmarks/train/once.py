"""One training in a process of its own: ``python -X faulthandler -m benchmarks.train.once ROOT``.

It ends with status 1 where a step failed: that is what a training is to end with when its step was
killed. With any other fault Python prints where it was.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.train.small import Small
from sealift.errors import SealiftError


def main(root: str) -> int:
    """Train the project as its file is."""
    try:
        Small(Path(root)).train()
    except SealiftError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
