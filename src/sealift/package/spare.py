"""Files that the server's wheels bring for other programs: no image has them that serves alone.

The wheel of onnxruntime holds its runtime twice: once in its module for Python, and once, 29 MB, as
a library with the interface of C. No module of the wheel is linked to that library, and none
opens it: it lies there for programs that open it by its path (as onnxruntime-genai does). Where the
server is the only program there are none. The image of the steps, and that of a program of the
user's own, run code that this one cannot know: there the wheel is whole, the files in a layer of
their own on top of the same layers as in the others.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from sealift.archive import Entry
from sealift.package import elf
from sealift.package.elf import DamagedError, Elf
from sealift.record.pin import pins

WHEELS = ("onnxruntime", "onnxruntime-gpu")
"""The wheels that bring such files."""

_FILE = re.compile(r"(?:.*/)?onnxruntime/capi/libonnxruntime\.so\.[\d.]+")
_RECORD = re.compile(r"((?:.*/)?)[^/]+\.dist-info/RECORD")


def lines(locked: Sequence[str]) -> tuple[str, ...]:
    """The locked lines of the wheels that bring such files."""
    return tuple(line for line in locked if not pins([line]).keys().isdisjoint(WHEELS))


def without(entries: Iterable[Entry]) -> list[Entry]:
    """Installed wheels without such files, and without their lines in the lists of files."""
    every = list(entries)
    spare = names(every)
    return [_struck(entry, spare) for entry in every if entry.name not in spare]


def only(entries: Iterable[Entry]) -> list[Entry]:
    """What makes these wheels whole again: such files, and the lists that name them."""
    every = list(entries)
    spare = names(every)
    return [one for one in every if one.name in spare or not spare.isdisjoint(_listed(one))]


def names(entries: Sequence[Entry]) -> frozenset[str]:
    """The names of such files: those that no other file of the same package is linked to."""
    found = {one.name: one for one in entries if one.kind == "file" and _FILE.fullmatch(one.name)}
    tops = tuple(f"{name.rsplit('/', 2)[0]}/" for name in found)
    beside = [one for one in entries if one.name.startswith(tops) and one.name not in found]
    needed = {name for one in beside if (read := _elf(one)) for name in read.needed}
    return frozenset(name for name, one in found.items() if needed.isdisjoint(_called(one)))


def _called(entry: Entry) -> set[str]:
    """The names under which the linker may look for a library."""
    read = _elf(entry)
    return {posixpath.basename(entry.name), *([read.soname] if read else [])}


def _elf(entry: Entry) -> Elf | None:
    """What the linker reads of a file; None for what it cannot load."""
    if entry.kind != "file":
        return None
    with entry.open() as content:
        if content.read(len(elf.MAGIC)) != elf.MAGIC:
            return None
        try:
            return elf.read(content)
        except DamagedError:
            return None


def _listed(entry: Entry) -> Iterator[str]:
    """The files that a wheel's list names; nothing for any other file."""
    if match := _RECORD.fullmatch(entry.name):
        yield from (_place(match[1], row) for row in _rows(entry))


def _struck(entry: Entry, spare: Collection[str]) -> Entry:
    """A wheel's list without the lines of such files; any other file as it is."""
    match = _RECORD.fullmatch(entry.name)
    if not match or not any(name in spare for name in _listed(entry)):
        return entry
    kept = [row for row in _rows(entry) if _place(match[1], row) not in spare]
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(kept)
    return dataclasses.replace(entry, content=made.getvalue().encode())


def _place(site: str, row: Sequence[str]) -> str:
    return posixpath.normpath(posixpath.join(site, row[0]))


def _rows(record: Entry) -> list[list[str]]:
    with record.open() as content:
        text = content.read().decode()
    return [row for row in csv.reader(io.StringIO(text)) if row]


__all__ = ["WHEELS", "lines", "names", "only", "without"]
