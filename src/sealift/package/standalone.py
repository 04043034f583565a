"""An interpreter that comes as an archive: a folder of its own, which runs wherever it is put.

Such archives are what python-build-standalone gives out (``install_only`` and ``full``), and any
installed prefix that was packed. What a server never uses is left behind, and so are libraries of
the archive that nothing in it asks for. Nothing is run to find any of this out.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import zstandard

from sealift.archive import Entry, leads_out
from sealift.errors import PackageError
from sealift.package import inventory, staticparts
from sealift.package.elf import Elf
from sealift.package.linker import MACHINES
from sealift.record.lock import PREFIX, Standalone

WHERE = "sealift.toml: image.interpreter"
_ZSTD = b"\x28\xb5\x2f\xfd"
_LARGEST = 1 << 30
_PROGRAM = re.compile(r"((?:[^/]+/)*)bin/python(3\.\d+)")
_VERSION = re.compile(rb'#define\s+PY_VERSION\s+"([^"]+)"')
# Tests, what draws windows, what installs or builds other packages; and packages that came along:
# those of an image are in the lock, each with its hashes
_UNUSED = re.compile(
    r"(.*/)?(__pycache__|tests?|idle_test)/.*|.*\.(pyc|a|exe)"
    r"|(ensurepip|idlelib|lib2to3|site-packages|tkinter|turtledemo|config-3\.[^/]+)/.*|turtle\.py"
    r"|lib-dynload/(_tkinter|_test\w*|_ctypes_test|_xxtestfuzz|xx\w+)\..*"
)


class Unpacked(NamedTuple):
    """An interpreter out of its archive: what the lock says of it, and the files of its layer."""

    standalone: Standalone
    entries: tuple[Entry, ...]


def read(path: Path, python: str, platform: str, told: Standalone) -> Unpacked:
    """Read an archive for a version such as ``3.13`` and a platform.

    ``told`` is what is known of it beforehand: its name and its digest. Raises ``PackageError`` for
    what is no such archive, or is one for another version or platform.
    """
    try:
        root = _root(path, python, told.archive)
        kept = dict(_kept(path, root, python))
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise _unfit(told, f"cannot be read: {error}") from error
    except (zstandard.ZstdError, OSError) as error:
        raise _unfit(told, f"cannot be read: {error}") from error
    _require_whole(kept, python, told)
    elves = inventory.of_entries(kept.values()).elves
    _require_fit(elves, f"bin/python{python}", platform, told)
    libraries = _libraries(kept)
    used = _used(elves, libraries)
    idle = {name for name in elves if name not in used}
    idle |= {f"lib/{known}" for known, place in libraries.items() if place not in used}
    files = [one for name, one in kept.items() if name not in idle]
    wanted = {posixpath.basename(need) for name in used for need in elves[name].needed}
    patch = kept.get(f"include/python{python}/patchlevel.h")
    made = Standalone(
        archive=told.archive,
        sha256=told.sha256,
        size=path.stat().st_size,
        version=_version(patch, python),
        libraries=tuple(sorted(wanted - libraries.keys())),
        parts=staticparts.found(one for one in files if one.name in used),
    )
    return Unpacked(made, (*_placed(files), _link(python)))


def _link(python: str) -> Entry:
    """The name that the base's own names of the interpreter lead to."""
    target = f"/{PREFIX}/bin/python{python}"
    return Entry(name=f"usr/bin/python{python}", kind="link", mode=0o777, target=target)


def _placed(files: Sequence[Entry]) -> Iterator[Entry]:
    for one in files:
        yield Entry(
            name=f"{PREFIX}/{one.name}",
            kind=one.kind,
            mode=one.mode,
            content=one.content,
            target=one.target,
        )


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """The tar in a file, packed in whatever way, read from its beginning to its end."""
    with path.open("rb") as file:
        head = file.read(len(_ZSTD))
        file.seek(0)
        if head == _ZSTD:
            plain = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            with tarfile.open(fileobj=plain, mode="r|") as tar:
                yield tar
        else:
            with tarfile.open(fileobj=file, mode="r|*") as tar:
                yield tar


def _root(path: Path, python: str, name: str) -> str:
    """The folder of the archive that holds the interpreter's, with a slash at its end."""
    found: dict[str, str] = {}
    with _opened(path) as tar:
        for info in tar:
            match = _PROGRAM.fullmatch(inventory.clean(info.name))
            if match and (info.isreg() or info.islnk()):
                found.setdefault(match[2], match[1])
    if python in found:
        return found[python]
    if found:
        version = sorted(found)[-1]
        raise PackageError(
            f"{name} has Python {version}, not {python}.",
            where=WHERE,
            remedy=f'Write python = "{version}" in [image], or name the archive of {python}.',
        )
    raise PackageError(
        f"{name} has no bin/python{python}: it is no standalone build of CPython.",
        where=WHERE,
        remedy="Take an archive of python-build-standalone, such as its install_only.tar.gz.",
    )


def _kept(path: Path, root: str, python: str) -> Iterator[tuple[str, Entry]]:
    """The files that are kept, by their names below the root; links to one file are copies."""
    seen: dict[str, tuple[int, bytes]] = {}
    with _opened(path) as tar:
        for info in tar:
            whole = inventory.clean(info.name)
            name = whole.removeprefix(root)
            if not whole.startswith(root) or info.isdir() or not _wanted(name, python):
                continue
            if ".." in name.split("/") or not (info.isreg() or info.islnk() or info.issym()):
                raise tarfile.ReadError(f"unfit member {whole}")
            if info.issym():
                if leads_out(name, info.linkname):
                    raise tarfile.ReadError(f"{whole} leads out of the archive")
                yield name, Entry(name=name, kind="link", mode=0o777, target=info.linkname)
                continue
            if info.islnk():
                first = inventory.clean(info.linkname)
                if first not in seen:
                    raise tarfile.ReadError(f"{whole} is a second name of what is not kept")
                mode, content = seen[first]
            else:
                if info.size > _LARGEST:
                    raise tarfile.ReadError(f"{whole} is too large")
                mode, content = info.mode, (tar.extractfile(info) or io.BytesIO()).read()
            seen[whole] = mode, content
            access = 0o755 if mode & 0o100 else 0o644
            yield name, Entry(name=name, kind="file", mode=access, content=content)


def _wanted(name: str, python: str) -> bool:
    """Whether an image needs a file of an interpreter, by its name below the root.

    >>> [_wanted(f"lib/python3.13/{one}", "3.13") for one in ("os.py", "test/os.py", "turtle.py")]
    [True, False, False]
    >>> [_wanted(name, "3.13") for name in ("bin/python3", "bin/pip3", "lib/libtk8.6.so")]
    [True, False, True]
    """
    folder, _, last = name.rpartition("/")
    library = f"lib/python{python}/"
    if name.startswith(library):
        return not _UNUSED.fullmatch(name.removeprefix(library))
    if folder == "bin":
        return last in ("python", "python3", f"python{python}")
    return (folder == "lib" and ".so" in last) or name.startswith(f"include/python{python}/")


def _libraries(kept: Mapping[str, Entry]) -> dict[str, str]:
    """The archive's own libraries by the names that they are found under, links followed."""
    found = {}
    for name in kept:
        place, known = name, posixpath.basename(name)
        while place in kept and kept[place].kind == "link" and posixpath.dirname(place) == "lib":
            place = posixpath.normpath(posixpath.join("lib", kept[place].target))
        if posixpath.dirname(name) == "lib":
            found[known] = place
    return found


def _used(elves: Mapping[str, Elf], libraries: Mapping[str, str]) -> set[str]:
    """The programs and modules of an archive, with those of its libraries that these ask for."""
    waiting = [name for name in elves if posixpath.dirname(name) != "lib"]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found and name in elves:
            found.add(name)
            asked = (posixpath.basename(need) for need in elves[name].needed)
            waiting += [libraries[need] for need in asked if need in libraries]
    return found


def _require_whole(kept: Mapping[str, Entry], python: str, told: Standalone) -> None:
    library = f"lib/python{python}"
    needed = (f"{library}/{one}" for one in ("os.py", "json/__init__.py", "site.py"))
    if lacks := [name for name in needed if name not in kept]:
        raise _unfit(told, f"lacks {', '.join(lacks)} of the standard library")


def _require_fit(elves: Mapping[str, Elf], program: str, platform: str, told: Standalone) -> None:
    elf, machine = elves.get(program), MACHINES[platform]
    if elf is None or not machine.runs(elf):
        raise _unfit(told, f"has an interpreter that is no program for {platform}")
    if "musl" in elf.interpreter or not elf.interpreter:
        raise _unfit(
            told,
            "is made for musl, or without a linker, and the wheels that the server needs (numpy, "
            "onnxruntime) are made for glibc",
        )


def _version(patch: Entry | None, python: str) -> str:
    """The whole version, as far as the headers tell."""
    content = patch.content if patch and isinstance(patch.content, bytes) else b""
    match = _VERSION.search(content)
    return match[1].decode() if match else python


def _unfit(told: Standalone, what: str) -> PackageError:
    return PackageError(
        f"{told.archive} {what}.",
        where=WHERE,
        remedy="Take an archive of python-build-standalone for this platform, with glibc (gnu).",
    )


__all__ = ["WHERE", "Unpacked", "read"]
