"""Layers of wheels: what uv unpacked, with everything removed that depends on where it did.

Layout of an installed wheel: PyPA specifications, "Recording installed projects".

Bytecode is left out: that of everything makes an image grow by 30 MB, a sixth, to send and to keep
(docs/benchmarks/package.md). Images may have that of what a server loads: see ``bytecode``.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from sealift import archive
from sealift.archive import Entry
from sealift.network.network import Network
from sealift.package import uv
from sealift.package.uv import Target
from sealift.record.pin import normal
from sealift.types import Digest

RUNTIME = (
    "flatbuffers>=25.2",
    "hpack>=4.1",
    "httptools>=0.7",
    "msgspec>=0.20",
    "numpy>=2.1",
    "onnxruntime>=1.22",
    "pysimdjson>=7.0",
)
"""What the model server needs."""

CUDA = tuple(one.replace("onnxruntime", "onnxruntime-gpu[cuda,cudnn]") for one in RUNTIME)
"""What it needs to compute on a graphics card of NVIDIA; the driver is the machine's own."""

# where an installer puts packages and headers below a prefix, by this machine's own Python
_SITE = re.compile(r"(?:local/)?lib(?:64)?/python3\.\d+/(?:site|dist)-packages/(.+)")
_HEADERS = re.compile(r"include/site/python3\.\d+/(.+)")
# notes of the installer, which tell of this machine
_NOTES = ("REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")
_INDEX = re.compile(r"(-i|--index-url|--extra-index-url|-f|--find-links)[ =]")
_PYTHON_LINE = re.compile(rb"#!\S*python[^\n]*\n")
# for long or odd paths an installer writes a script that starts itself with Python
_SHELL_LINE = re.compile(rb"#!/bin/sh\n'''exec'[^\n]*\n' '''\n")


def lock(
    requirements: Path | None,
    target: Target,
    network: Network,
    runtime: Sequence[str] = RUNTIME,
    like: Sequence[str] = (),
    built: Sequence[Path] = (),
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Resolve the server's and the user's requirements together.

    The lines for the server, and those that only the steps need. ``like`` are locked lines whose
    versions are to be taken again, ``built`` the only wheels that count of their packages. Raises
    ``PackageError`` when they cannot be had together.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        needed = _file(folder / "runtime.in", runtime)
        sources = [path for path in (requirements, needed) if path]
        versions = [_file(folder / "like.txt", _versions(like, built))] if like else []

        def compiled(files: Sequence[Path], constraints: Sequence[Path]) -> tuple[str, ...]:
            return _compiled(files, target, network, constraints, built)

        whole = compiled(sources, versions)
        if requirements is None:
            return whole, ()
        pins = _file(folder / "pins.txt", [line.partition(" --hash")[0] for line in whole])
        alone = _file(folder / "alone.in", [*indexes(requirements), *runtime])
        served = {_pin(line) for line in compiled([alone], [pins])}
    runtime_lines = tuple(line for line in whole if _pin(line) in served)
    return runtime_lines, tuple(line for line in whole if _pin(line) not in served)


def lock_alone(
    requirements: Path | None,
    target: Target,
    network: Network,
    wanted: Sequence[str],
    like: Path,
    built: Sequence[Path] = (),
) -> tuple[str, ...]:
    """Resolve what a server needs without what the steps need, in the versions of ``like``.

    ``built`` are the only wheels that count of their packages.
    """
    with tempfile.TemporaryDirectory() as name:
        places = indexes(requirements) if requirements else ()
        alone = _file(Path(name) / "alone.in", [*places, *wanted])
        return _compiled([alone], target, network, [like], built)


def _compiled(
    files: Sequence[Path],
    target: Target,
    network: Network,
    constraints: Sequence[Path],
    built: Sequence[Path],
) -> tuple[str, ...]:
    """Locked lines, of which those for built wheels do not tell where these lie."""
    with tempfile.TemporaryDirectory() as name:
        bound = [_file(Path(name) / "built.txt", [_at(one) for one in built])] if built else []
        lines = uv.compile_lock(files, target, network, [*constraints, *bound])
    return tuple(_versioned(line, built) for line in lines)


def _pin(line: str) -> str:
    return line.partition(" ")[0].partition(";")[0]


def named(wheel: Path) -> tuple[str, str]:
    """The name and the version in the name of a wheel's file (PyPA, "Binary distribution").

    >>> named(Path("tree_lib-1.0+cu-py3-none-any.whl"))
    ('tree-lib', '1.0+cu')
    """
    name, version, *_ = wheel.name.split("-")
    return normal(name), version


def _at(wheel: Path) -> str:
    return f"{named(wheel)[0]} @ {wheel.as_uri()}"


def _versions(lines: Sequence[str], built: Sequence[Path]) -> list[str]:
    """Locked lines as versions alone, but for those packages that were built."""
    names = {named(wheel)[0] for wheel in built}
    pins = [_pin(line) for line in lines]
    return [pin for pin in pins if normal(pin.partition("==")[0].partition("[")[0]) not in names]


def _versioned(line: str, built: Sequence[Path]) -> str:
    """A line without the place where a wheel that was built happens to lie."""
    for wheel in built:
        line = line.replace(f" @ {wheel.as_uri()}", f"=={named(wheel)[1]}")
    return line


def _placed(line: str, built: Mapping[Digest, Path]) -> str:
    """A locked line with the place of its wheel, if that was built."""
    for digest, wheel in built.items():
        if line.endswith(f"--hash={digest}"):
            return re.sub(r"==\S+", f" @ {wheel.as_uri()}", line, count=1)
    return line


def _file(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def unpack(
    lines: Sequence[str],
    target: Target,
    network: Network,
    folder: Path,
    requirements: Path | None = None,
    built: Mapping[Digest, Path] | None = None,
    packages: str = "",
) -> Iterator[Entry]:
    """Unpack locked wheels below ``folder`` and give the entries of their layers.

    ``requirements`` is the user's file, which may name the indexes to use; ``built`` are the
    wheels that are in no index. ``packages`` is the folder where the interpreter looks for them.
    """
    where = folder / "wheels"
    content = [
        *(indexes(requirements) if requirements else ()),
        *(_placed(line, built or {}) for line in lines),
    ]
    uv.install(_file(folder / "requirements.txt", content), target, network, where)
    return entries(where, packages or debian(target.python))


def debian(python: str) -> str:
    """The folder where Debian's Python looks for wheels.

    >>> debian("3.13")
    'usr/local/lib/python3.13/dist-packages'
    """
    return f"usr/local/lib/python{python}/dist-packages"


def indexes(requirements: Path) -> Iterator[str]:
    """A file's lines that name indexes; they are the user's own and never part of a lock."""
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if _INDEX.match(line):
            yield line


def entries(installed: Path, packages: str) -> Iterator[Entry]:
    """The files of a prefix that wheels were installed to, below the folder ``packages``.

    Scripts and whatever else wheels bring go to the prefix that this one is in.
    """
    for entry in archive.entries(installed):
        path = PurePosixPath(entry.name)
        if entry.kind == "folder" or entry.name == ".lock" or _unwanted(path):
            continue
        yield Entry(
            name=_place(entry.name, packages),
            kind=entry.kind,
            mode=entry.mode,
            content=_content(path, installed, packages),
            target=entry.target,
        )


def _place(name: str, packages: str) -> str:
    """Where a file goes, by its name below the prefix that it was installed to.

    >>> _place("lib/python3.11/site-packages/a/b.py", "usr/local/lib/python3.13/dist-packages")
    'usr/local/lib/python3.13/dist-packages/a/b.py'
    >>> _place("lib/b.so", "usr/local/lib/python3.13/dist-packages")
    'usr/local/lib/b.so'
    """
    if inner := _SITE.fullmatch(name):
        return f"{packages}/{inner[1]}"
    headers = _HEADERS.fullmatch(name)
    below = f"include/{headers[1]}" if headers else name
    return f"{packages.rsplit('/', 3)[0]}/{below}"


def _unwanted(path: PurePosixPath) -> bool:
    """Whether a file tells of this machine, or is bytecode."""
    return path.suffix == ".pyc" or (_in_info(path) and path.name in _NOTES)


def _in_info(path: PurePosixPath) -> bool:
    inner = _SITE.fullmatch(path.as_posix())
    return inner is not None and re.fullmatch(r"[^/]+\.dist-info/[^/]+", inner[1]) is not None


def _content(path: PurePosixPath, installed: Path, packages: str) -> bytes | Path:
    real = installed / path
    if path.parts[0] == "bin":
        return _script(real.read_bytes())
    if _in_info(path) and path.name == "RECORD":
        return _record(real.read_text(), path.parent.parent, installed, packages)
    return real


def _script(content: bytes) -> bytes:
    """A script that names the image's interpreter, not the one of this machine."""
    for line in (_SHELL_LINE, _PYTHON_LINE):
        if found := line.match(content):
            return b"#!/usr/bin/python3\n" + content[found.end() :]
    return content


def _record(text: str, site: PurePosixPath, installed: Path, packages: str) -> bytes:
    """The list of files as it is in the image: sorted, each where it is; ``site`` is where it was.

    Names are relative to the folder of the packages.
    """
    rows = []
    for name, checksum, size in csv.reader(io.StringIO(text)):
        path = PurePosixPath(posixpath.normpath(site / name))
        if _unwanted(path):
            continue
        real = installed / path
        if path.parts[0] == "bin" and real.is_file():
            content = _script(real.read_bytes())
            checksum, size = _checksum(content), str(len(content))  # noqa: PLW2901, as it is now
        rows.append(
            (posixpath.relpath(_place(path.as_posix(), packages), packages), checksum, size)
        )
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(sorted(rows))
    return made.getvalue().encode()


def _checksum(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return "sha256=" + digest.rstrip(b"=").decode()


__all__ = ["RUNTIME", "debian", "entries", "indexes", "lock", "named", "unpack"]
