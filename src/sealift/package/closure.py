"""The proof that everything which the dynamic linker will look for in an image is there.

Every program and every library is loaded as on a running machine, by the rules of ``linker``. A
library that another one needs is judged in the company it is loaded in, since search paths are
inherited. A wheel's file also finds what its own wheel, and the wheels which that one requires,
bring along: their modules are imported first, and load such libraries themselves.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sealift.package import outside
from sealift.package.elf import Elf
from sealift.package.filetree import FileTree
from sealift.package.linker import Linker, Loaded, Machine

_IMPORTED = re.compile(r"\.(cpython-\w+-(?P<triplet>[\w-]+)|abi3)\.so$")
_PACKAGES = re.compile(r".*/(dist|site)-packages/")
_GLIBC = re.compile(r"GLIBC_2\.(\d+)")
_TAG = re.compile(r"(?:manylinux_2_(\d+)|manylinux(1|2010|2014)|linux)_(\w+)")
_OLD_TAGS = {"1": 5, "2010": 12, "2014": 17}


Kind = Literal["library", "loader", "version", "machine", "damaged", "floor"]


@dataclass(frozen=True)
class Finding:
    """Something that will not load: ``file`` of ``owner`` lacks ``lacks``, as do ``more`` others.

    By ``kind``, ``lacks`` is the name of a library or of a loader, a symbol version with the
    library that should have it (``by``), the machine that the file is for, what is wrong with it,
    or the glibc that a wheel's tag asks for (``by`` is the image's).
    """

    kind: Kind
    owner: str
    file: str
    lacks: str
    by: str = ""
    more: int = 0


@dataclass(frozen=True)
class Proof:
    """How many files were looked at, and what was found."""

    files: int
    findings: tuple[Finding, ...]


def prove(
    tree: FileTree, machine: Machine, absent: Iterable[str] = (), given: Iterable[str] = ()
) -> Proof:
    """Judge an image's file tree; ``absent`` are names of files that may be missing or unfit.

    ``given`` are files that are taken as they are, whatever they lack.
    """
    judge = _Judge(tree, machine, frozenset(absent), frozenset(given))
    found = [*judge.damaged(), *judge.foreign(), *judge.needs(), *floors(tree, machine)]
    return Proof(len(tree.elves) + len(tree.damaged), tuple(_gathered(found)))


def _gathered(findings: list[Finding]) -> Iterator[Finding]:
    """One finding for all files of one owner that lack the same, in order."""
    groups: dict[tuple[str, str, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.owner, finding.kind, finding.lacks, finding.by].append(finding)
    for key in sorted(groups):
        files = sorted({one.file for one in groups[key]})
        first = groups[key][0]
        yield Finding(first.kind, first.owner, files[0], first.lacks, first.by, len(files) - 1)


class _Judge:
    """Looks at a tree with the eyes of one machine."""

    def __init__(
        self,
        tree: FileTree,
        machine: Machine,
        absent: frozenset[str],
        given: frozenset[str],
    ) -> None:
        self._tree = tree
        self._machine = machine
        self._absent = absent
        self._given = given
        self._linker = Linker(tree, machine, self._imported_before)
        self._brought = self._names()
        self._reaches: dict[str, set[str]] = {}
        self._seen: set[tuple[str, str, str]] = set()

    def damaged(self) -> Iterator[Finding]:
        """Files that begin like ELF and are not."""
        for file, reason in self._tree.damaged.items():
            if not self._excused(file, posixpath.basename(file)):
                yield self._finding("damaged", file, reason)

    def foreign(self) -> Iterator[Finding]:
        """Files for another machine, where they would be loaded on this one.

        A wheel may carry a few, as data. It is unfit when an extension module is one; or when all
        are, unless it is made for any machine.
        """
        own = Counter(self._tree.owners.get(name, "") for name in self._mine())
        for file, elf in self._tree.elves.items():
            if self._machine.runs(elf) or elf.kind == "other":
                continue
            if self._excused(file, posixpath.basename(file)):
                continue
            wheel = self._tree.owners.get(file, "")
            imported = _IMPORTED.search(file)
            ours = imported and (imported["triplet"] or self._machine.triplet)
            unfit = not wheel or not (own[wheel] or self._for_any_machine(wheel))
            if unfit or ours == self._machine.triplet:
                yield self._finding("machine", file, _readable(elf))

    def needs(self) -> Iterator[Finding]:
        """Libraries, loaders and symbol versions that are not there."""
        for file in self._mine():
            yield from self._loader(file)
        for loaded in self._all_loaded():
            for need in loaded.needs:
                if need.found is None and not self._excused(need.by, need.name):
                    yield from self._once("library", need.by, need.name)
            for file in loaded.files.keys() - self._given:
                yield from self._versions(file, loaded)

    def _for_any_machine(self, wheel: str) -> bool:
        known = self._tree.wheels.get(wheel)
        return known is not None and any(tag.endswith("-any") for tag in known.tags)

    def _mine(self) -> list[str]:
        return [name for name, elf in self._tree.elves.items() if self._machine.runs(elf)]

    def _all_loaded(self) -> Iterator[Loaded]:
        """Everything loaded: programs, modules, what none of these brings, what is left."""
        mine = [name for name in self._mine() if self._tree.elves[name].kind != "other"]
        needed = {name for file in mine for name in self._tree.elves[file].needed}
        reached: set[str] = set()
        for rank in (self._starts, lambda name: posixpath.basename(name) not in needed, bool):
            for name in mine:
                if name not in reached and rank(name):
                    loaded = self._linker.load(name)
                    reached |= loaded.files.keys()
                    yield loaded

    def _starts(self, name: str) -> bool:
        """Whether a file is loaded by itself: a program or an extension module."""
        elf = self._tree.elves[name]
        return bool(elf.interpreter or elf.kind == "program" or _IMPORTED.search(name))

    def _versions(self, file: str, loaded: Loaded) -> Iterator[Finding]:
        """Symbol versions that a file asks of libraries which do not have them.

        A library without any versions is taken as it is, as the linker does.
        """
        for library, versions in self._tree.elves[file].wants.items():
            place = loaded.names.get(library)
            defined = self._tree.elves[place].defines if place else ()
            for version in versions if defined and place != file else ():
                if version not in defined:
                    yield from self._once("version", file, version, library)

    def _loader(self, file: str) -> Iterator[Finding]:
        """The program that starts a program, where it is not there."""
        name = self._tree.elves[file].interpreter
        place = self._tree.elves.get(self._tree.find(name) or "")
        found = place is not None and self._machine.runs(place)
        if name and not found and not self._excused(file, posixpath.basename(name)):
            yield self._finding("loader", file, name)

    def _once(self, kind: Kind, file: str, lacks: str, by: str = "") -> Iterator[Finding]:
        if (file, lacks, by) not in self._seen:
            self._seen.add((file, lacks, by))
            yield self._finding(kind, file, lacks, by)

    def _excused(self, file: str, library: str) -> bool:
        known = file in self._given or library in self._absent or outside.driver(library)
        return known or outside.plugin(_below_packages(file))

    def _finding(self, kind: Kind, file: str, lacks: str, by: str = "") -> Finding:
        return Finding(kind, self._owner(file), _below_packages(file), lacks, by)

    def _owner(self, file: str) -> str:
        """Who brought a file: a wheel with its version, or a Debian package."""
        if wheel := self._tree.wheels.get(self._tree.owners.get(file, "")):
            return f"{wheel.name} {wheel.version}"
        deb = self._tree.debs.get(file)
        return f"Debian's {deb}" if deb else ""

    def _names(self) -> dict[str, list[str]]:
        """The libraries of wheels by the names that they can be asked for under."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._mine():
            if name in self._tree.owners:
                for known in {posixpath.basename(name), self._tree.elves[name].soname} - {""}:
                    found[known].append(name)
        return found

    def _imported_before(self, root: str, by: str, wanted: str) -> str | None:
        """A library that modules imported earlier have loaded under this name."""
        reach: set[str] = set()
        for file in (by, root):
            reach |= self._reach(self._tree.owners.get(file, ""))
        places = self._brought.get(wanted, ())
        return next((place for place in places if self._tree.owners[place] in reach), None)

    def _reach(self, wheel: str) -> set[str]:
        """A wheel, all that it requires, however indirectly, and its fellows from NVIDIA."""
        if wheel not in self._reaches:
            found: set[str] = set()
            waiting = [wheel]
            if wheel.startswith("nvidia-"):
                waiting += [name for name in self._tree.wheels if name.startswith("nvidia-")]
            while waiting:
                name = waiting.pop()
                if name in self._tree.wheels and name not in found:
                    found.add(name)
                    waiting += self._tree.wheels[name].requires
            self._reaches[wheel] = found
        return self._reaches[wheel]


def floors(tree: FileTree, machine: Machine) -> Iterator[Finding]:
    """Wheels whose tags ask for a newer glibc than the image has, or for another machine.

    Source of the tags' meaning: PEP 600, and PEP 513, 571 and 599 for the older ones.
    """
    has = glibc(tree, machine)
    for wheel in tree.wheels.values():
        tags = [tag.rpartition("-")[2] for tag in wheel.tags]
        if not tags or has is None or "any" in tags:
            continue
        floor = min(filter(None, (_floor(tag, machine) for tag in tags)), default=None)
        owner = f"{wheel.name} {wheel.version}"
        if floor is None:
            yield Finding("machine", owner, "its tag", tags[0])
        elif floor > has:
            yield Finding("floor", owner, "its tag", f"2.{floor}", f"2.{has}")


def _floor(tag: str, machine: Machine) -> int | None:
    """The minor version of glibc 2 that a tag of this machine asks for, else None."""
    found = _TAG.fullmatch(tag)
    if not found or found[3] != machine.platform:
        return None
    return int(found[1] or _OLD_TAGS.get(found[2] or "", 1))


def glibc(tree: FileTree, machine: Machine) -> int | None:
    """The minor version of the image's glibc 2, by the symbol versions that it has."""
    for folder in (*machine.folders, "lib64", "usr/lib64"):
        place = tree.find(f"{folder}/libc.so.6")
        if place in tree.elves:
            found = [_GLIBC.fullmatch(name) for name in tree.elves[place].defines]
            return max((int(one[1]) for one in found if one), default=None)
    return None


def _below_packages(file: str) -> str:
    found = _PACKAGES.match(file)
    return file[found.end() :] if found else f"/{file}"


def _readable(elf: Elf) -> str:
    """A machine for people.

    >>> _readable(Elf(machine="EM_AARCH64", bits=64, kind="library"))
    'AARCH64, 64 bits'
    """
    return f"{elf.machine.removeprefix('EM_')}, {elf.bits} bits"


__all__ = ["Finding", "Proof", "floors", "glibc", "prove"]
