"""Where the benchmarks of the packager work: below build/bench/package, never in the sources."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.machine import REPOSITORY

HERE = Path(__file__).parent
WORK = REPOSITORY / "build" / "bench" / "package"
PYTHON = "3.13"
"""The version of Python in every image, ours and the rivals'."""
_UNCOMPILED = "PYTHONDONTWRITEBYTECODE"


def surroundings(**more: str) -> dict[str, str]:
    """The environment for programs: this one's, with the downloads that Sealift keeps.

    Python may keep bytecode, as it does wherever nobody forbids it: else every sample would
    compile all of Sealift anew, which is installed from its sources here.
    """
    cache = os.environ.get("SEALIFT_CACHE", str(REPOSITORY / "build" / "cache"))
    kept = {name: text for name, text in os.environ.items() if name != _UNCOMPILED}
    return {**kept, "SEALIFT_CACHE": cache, **more}


__all__ = ["HERE", "PYTHON", "WORK", "surroundings"]
