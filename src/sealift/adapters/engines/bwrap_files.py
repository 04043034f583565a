"""What is kept of a sandbox until it is stopped: one file each, so that its end is seen too."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from sealift.adapters.engines import leftovers
from sealift.adapters.engines.marks import Mark


def keep(mark: Mark) -> None:
    """Write it down; whole or not at all, even when the machine loses power."""
    live = Path(mark.live)
    live.mkdir(parents=True, exist_ok=True)
    leftovers.clear(live, ".*.new")
    new = live / f".{mark.id}.new"
    with new.open("wb") as stream:
        stream.write(msgspec.json.encode(mark))
        stream.flush()
        os.fsync(stream.fileno())
    new.rename(live / f"{mark.id}.json")


def forget(mark: Mark) -> None:
    """Remove it; nothing happens if it is gone already."""
    (Path(mark.live) / f"{mark.id}.json").unlink(missing_ok=True)


def kept(live: Path) -> list[Mark]:
    """Everything that is written down in this folder; a file that cannot be read is passed over."""
    marks = []
    for path in sorted(live.glob("*.json")):
        try:
            marks.append(msgspec.json.decode(path.read_bytes(), type=Mark))
        except (FileNotFoundError, msgspec.DecodeError):
            continue
    return marks


__all__ = ["forget", "keep", "kept"]
