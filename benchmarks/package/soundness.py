"""Whether a store is whole: judged from its files alone, by none of the code that wrote them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LARGEST = 8 << 20


def faults(layout: Path) -> list[str]:
    """What is wrong with an OCI image layout, in words; nothing for a whole one.

    Every blob is what its name says, the index can be read, every manifest that it lists is there
    with all that it names. A layout that was not begun is whole.
    """
    blobs = layout / "blobs" / "sha256"
    found = [] if not blobs.exists() else [*misnamed(blobs)]
    index = layout / "index.json"
    if not index.exists():
        return found
    try:
        entries = json.loads(index.read_bytes())["manifests"]
    except (ValueError, KeyError) as error:
        return [*found, f"index.json cannot be read: {error}"]
    return [*found, *(line for entry in entries for line in missing(blobs, entry, "index.json"))]


def misnamed(blobs: Path) -> Iterator[str]:
    """The blobs whose bytes are not those that their names say."""
    for path in sorted(blobs.iterdir()):
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != path.name:
                yield f"blob {path.name[:12]} has other bytes"


def missing(blobs: Path, entry: dict[str, Any], asker: str) -> Iterator[str]:
    """What a descriptor leads to, however far, and that is not there."""
    name = str(entry["digest"]).removeprefix("sha256:")
    path = blobs / name
    if not path.is_file():
        yield f"{name[:12]}, which {asker} names, is not there"
        return
    if path.stat().st_size != entry["size"]:
        yield f"{name[:12]} has not the size that {asker} says"
    if "manifest" in entry["mediaType"] or "index" in entry["mediaType"]:
        content = json.loads(path.read_bytes()[:_LARGEST])
        named = [*content.get("manifests", ()), *content.get("layers", ())]
        named += [content["config"]] if "config" in content else []
        for one in named:
            yield from missing(blobs, one, name[:12])


__all__ = ["faults"]
