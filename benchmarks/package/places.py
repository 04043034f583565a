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
    kept = {name: text for name, text in os.environ.items() if name != _UNCOMPILED}
    return {**kept, "SEALIFT_CACHE": str(cache()), **more}


def cache() -> Path:
    """The folder of what Sealift downloads, and of the bytecode that it compiled."""
    return Path(os.environ.get("SEALIFT_CACHE", REPOSITORY / "build" / "cache"))


__all__ = ["HERE", "PYTHON", "WORK", "cache", "surroundings"]
