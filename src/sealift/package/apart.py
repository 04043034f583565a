"""Large wheels in layers of their own, so that images with other small ones share them.

Which file belongs to which wheel is what the wheel's RECORD says (PyPA specifications, "Recording
installed projects").
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from sealift.archive import Entry
from sealift.package.layer import Part, sorted_entries

LARGE = 10_000_000
"""Bytes, unpacked, from which a wheel has a layer of its own."""

MOST = 12
"""Layers of single wheels in an image at most: engines take 127 in all, each costs a request."""

_RECORD = re.compile(r"(.*/)?([^/]+?)-[^/-]+\.dist-info/RECORD")


def parts(entries: Iterable[Entry]) -> list[Part]:
    """The entries of installed wheels, divided into layers: one a large wheel, the rest together.

    A file that several wheels claim goes with the first of them by name.
    """
    files = {entry.name: entry for entry in entries}
    owner = owners(files)
    sizes: dict[str, int] = defaultdict(int)
    for name, wheel in owner.items():
        sizes[wheel] += files[name].size
    large = chosen(sizes)
    groups: dict[str, list[Entry]] = {wheel: [] for wheel in [*sorted(large), ""]}
    for name, entry in files.items():
        wheel = owner.get(name, "")
        groups[wheel if wheel in large else ""].append(entry)
    return [Part(wheel, sorted_entries(group)) for wheel, group in groups.items() if group]


def chosen(sizes: Mapping[str, int]) -> set[str]:
    """The wheels that get a layer of their own, by their unpacked sizes in bytes.

    >>> sorted(chosen({"numpy": 60_000_000, "click": 400_000, "scipy": 110_000_000}))
    ['numpy', 'scipy']
    """
    large = sorted((-size, wheel) for wheel, size in sizes.items() if size >= LARGE)
    return {wheel for _, wheel in large[:MOST]}


def owners(files: Mapping[str, Entry]) -> dict[str, str]:
    """The wheel of each file, as far as a RECORD names it."""
    found: dict[str, str] = {}
    for name, entry in sorted(files.items()):
        if match := _RECORD.fullmatch(name):
            for path in _recorded(entry):
                place = posixpath.normpath(posixpath.join(match[1] or "", path))
                if place in files:
                    found.setdefault(place, match[2])
    return found


def _recorded(record: Entry) -> Iterable[str]:
    content = record.content if isinstance(record.content, bytes) else record.content.read_bytes()
    return [row[0] for row in csv.reader(io.StringIO(content.decode())) if row]


__all__ = ["LARGE", "MOST", "chosen", "owners", "parts"]
