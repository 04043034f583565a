"""How the dynamic linker of glibc finds libraries, as a pure function of a file tree.

Source: ld.so(8), "DESCRIPTION", and glibc, elf/dl-load.c (``_dl_map_object``): for a name without
a slash, what is loaded already under that name; unless the needing file has a RUNPATH, its RPATH,
then the RPATH of the file that needed that one, and so on up; the needing file's RUNPATH; the
cache; the default folders. Libraries for other machines are passed over. LD_LIBRARY_PATH is not
set in an image of Sealift, and libraries for certain processors only (glibc-hwcaps) do not count.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sealift.package.elf import Elf
from sealift.package.filetree import FileTree

_TOKEN = re.compile(r"\$(ORIGIN|LIB|PLATFORM)\b|\$\{(ORIGIN|LIB|PLATFORM)\}")


@dataclass(frozen=True)
class Machine:
    """A kind of processor: its name in ELF files, its folders in Debian, its linker."""

    elf: str
    bits: int
    triplet: str
    platform: str
    interpreter: str

    @property
    def folders(self) -> tuple[str, ...]:
        """Where Debian's linker looks last; other distributions state all theirs in the cache."""
        return (f"lib/{self.triplet}", f"usr/lib/{self.triplet}", "lib", "usr/lib")

    def runs(self, elf: Elf) -> bool:
        """Whether a file is for this machine."""
        return (elf.machine, elf.bits) == (self.elf, self.bits)


MACHINES = {
    "linux/amd64": Machine(
        "EM_X86_64", 64, "x86_64-linux-gnu", "x86_64", "lib64/ld-linux-x86-64.so.2"
    ),
    "linux/arm64": Machine(
        "EM_AARCH64", 64, "aarch64-linux-gnu", "aarch64", "lib/ld-linux-aarch64.so.1"
    ),
}
"""By platform in OCI's words."""


@dataclass(frozen=True)
class Need:
    """A library that a file asks for; ``found`` is what answers it, None when nothing does."""

    by: str
    name: str
    found: str | None


@dataclass
class Loaded:
    """A file with all that came with it, in the order of loading, and every need met or not."""

    root: str
    files: dict[str, str | None] = field(default_factory=dict)
    """Each file, with the one that needed it first."""
    names: dict[str, str] = field(default_factory=dict)
    """Each file by the names that it is known under."""
    needs: list[Need] = field(default_factory=list)


Elsewhere = Callable[[str, str, str], str | None]
"""What answers a need that the search does not: of root, needing file and name."""


class Linker:
    """Loads files of a tree for one machine.

    ``elsewhere`` is asked for a library that the search does not find.
    """

    def __init__(self, tree: FileTree, machine: Machine, elsewhere: Elsewhere) -> None:
        self._tree = tree
        self._machine = machine
        self._elsewhere = elsewhere
        self._paths: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        self._defaults = [self._tree.folder(path) or path for path in machine.folders]

    def load(self, root: str) -> Loaded:
        """Load a file and all that it needs, breadth first."""
        made = Loaded(root)
        self._add(root, None, made)
        waiting = deque([root])
        while waiting:
            name = waiting.popleft()
            for wanted in self._tree.elves[name].needed:
                found = made.names.get(wanted) or self._search(wanted, name, made)
                found = found or self._elsewhere(root, name, wanted)
                made.needs.append(Need(name, wanted, found))
                if found:
                    made.names.setdefault(wanted, found)
                    if found not in made.files:
                        self._add(found, name, made)
                        waiting.append(found)
        return made

    def _add(self, name: str, by: str | None, made: Loaded) -> None:
        made.files[name] = by
        if soname := self._tree.elves[name].soname:
            made.names.setdefault(soname, name)

    def _search(self, wanted: str, by: str, made: Loaded) -> str | None:
        if "/" in wanted:
            return self._fit(self._expanded(wanted, by))
        for folder in self._folders(by, made):
            if found := self._fit(f"{folder}/{wanted}"):
                return found
        if self._tree.elves[by].defaults:
            cached = self._tree.cached.get(wanted)
            if cached and (found := self._fit(cached)):
                return found
            for folder in self._defaults:
                if found := self._fit(f"{folder}/{wanted}"):
                    return found
        return None

    def _folders(self, by: str, made: Loaded) -> Iterator[str]:
        """The folders that files name themselves."""
        if not self._tree.elves[by].runpath:
            above: str | None = by
            while above is not None:
                yield from self._expansions(above, self._tree.elves[above].rpath)
                above = made.files[above]
        yield from self._expansions(by, self._tree.elves[by].runpath)

    def _expansions(self, by: str, paths: tuple[str, ...]) -> list[str]:
        key = (posixpath.dirname(by), paths)
        if key not in self._paths:
            places = (self._tree.folder(self._expanded(path, by)) for path in paths)
            self._paths[key] = [place for place in places if place is not None]
        return self._paths[key]

    def _expanded(self, path: str, by: str) -> str:
        """A path of a file with its tokens replaced; ``$LIB`` is Debian's."""
        meanings = {
            "ORIGIN": f"/{posixpath.dirname(by)}",
            "LIB": f"lib/{self._machine.triplet}",
            "PLATFORM": self._machine.platform,
        }
        return _TOKEN.sub(lambda found: meanings[found[1] or found[2]], path)

    def _fit(self, path: str) -> str | None:
        """The file at a path, if it is for this machine."""
        found = self._tree.find(path)
        elf = self._tree.elves.get(found) if found else None
        return found if elf and self._machine.runs(elf) else None


__all__ = ["MACHINES", "Elsewhere", "Linker", "Loaded", "Machine", "Need"]
