"""Register waiting weights in a process of its own, so that its memory can be measured."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.package.ours import Ours

if __name__ == "__main__":
    Ours(Path(sys.argv[1])).register()
