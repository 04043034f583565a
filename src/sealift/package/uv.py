"""Resolving and unpacking wheels for another platform, by uv.

uv goes the ways of the project's network, and reads the user's own configuration files and
credentials; nothing of that is written anywhere.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sealift import process
from sealift.errors import MachineError, PackageError, SourceError
from sealift.network.network import Network
from sealift.network.secrets import hidden

_ARCHES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_UNREACHABLE = re.compile(
    r"error sending request|dns error|connection refused|network connectivity is disabled"
    r"|failed to fetch|operation timed out|could not connect|\b(401|403|407|5\d\d) [A-Z]",
    re.IGNORECASE,
)
_HASH = re.compile(r'sha256 = "([0-9a-f]{64})"')
_REFUSED = re.compile(r"\(os error (1|13|28|30|122)\)")
"""The system's numbers for: not permitted, no access, no space, read-only, no quota."""
_REFUSED_REMEDY = "Free some space, or mend the permissions, then run the command again."
_OFFLINE_REMEDY = (
    "Check the network and the index (network.index in sealift.toml, UV_DEFAULT_INDEX, UV_INDEX, "
    "uv.toml), then run the command again; what was downloaded already is kept."
)


@dataclass(frozen=True)
class Target:
    """What wheels have to fit: version of Python, platform of OCI, minor version of glibc 2."""

    python: str
    platform: str
    glibc: int

    @property
    def options(self) -> list[str]:
        """The same as options of uv."""
        arch = _ARCHES[self.platform]
        # the newest platform that uv has a name for
        glibc = min(self.glibc, 40)
        return [
            *("--python-version", self.python),
            *("--python-platform", f"{arch}-manylinux_2_{glibc}"),
            *("--only-binary", ":all:"),
        ]


def compile_lock(
    sources: Sequence[Path],
    target: Target,
    network: Network,
    constraints: Path | None = None,
) -> tuple[str, ...]:
    """The exact wheels for requirements files, one requirement with its hashes a line.

    The hashes are those of files that fit the target: mostly just that of the wheel to be taken.
    """
    words = ["pip", "compile", "--no-header", "--no-annotate", *target.options]
    words += map(str, sources)
    if constraints:
        words += ["--constraints", str(constraints)]
    done = _run([*words, "--generate-hashes"], network)
    if done.status:
        raise _failure(done, "The packages cannot be resolved", where=str(sources[0]))
    fitting = _run([*words, "--format", "pylock.toml"], network)
    known = set() if fitting.status else set(_HASH.findall(fitting.stdout.decode()))
    return tuple(_narrowed(line, known) for line in _joined(done.stdout.decode()))


def _narrowed(line: str, known: set[str]) -> str:
    """A requirement with those of its hashes that are known to fit; with all when none is.

    >>> one, other = "1" * 64, "2" * 64
    >>> _narrowed(f"a==1 --hash=sha256:{one} --hash=sha256:{other}", {other})[:26]
    'a==1 --hash=sha256:2222222'
    """
    name, *hashes = line.split(" --hash=sha256:")
    fit = [one for one in hashes if one.strip() in known] or hashes
    return " --hash=sha256:".join([name, *fit])


def _joined(text: str) -> tuple[str, ...]:
    """Each requirement on a line of its own, without comments."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    whole = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return tuple(line for line in whole.splitlines() if line.strip())


def install(requirements: Path, target: Target, network: Network, folder: Path) -> None:
    """Unpack exactly these wheels into a folder: from uv's cache, else from the user's indexes.

    Raises ``SourceError`` when one cannot be had, ``PackageError`` when it does not fit.
    """
    words = ["pip", "install", "--target", str(folder), "--no-deps", "--require-hashes"]
    words += ["--no-compile-bytecode", *target.options, "--requirements", str(requirements)]
    if _run([*words, "--offline"], network).status == 0:
        return
    shutil.rmtree(folder, ignore_errors=True)
    done = _run(words, network)
    if done.status:
        raise _failure(done, "The packages cannot be unpacked", where="sealift.lock")


def _run(words: Sequence[str], network: Network) -> process.Finished:
    program = _program()
    argv = [program, *words, "--python", sys.executable, "--quiet", "--color", "never"]
    with network.child() as environment:
        return process.run(argv, env=environment)


def _program() -> str:
    beside = Path(sys.prefix) / "bin" / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise MachineError(
            "The program uv is not on this machine.", remedy="Install Sealift again, or uv itself."
        )
    return found


def _failure(done: process.Finished, what: str, where: str) -> MachineError | PackageError:
    said = hidden(done.stderr.decode(errors="replace").strip())
    tail = "\n".join(said.removeprefix("error: ").splitlines()[-12:])
    if _UNREACHABLE.search(said):
        return SourceError(f"{what}: an index cannot be reached.\n{tail}", remedy=_OFFLINE_REMEDY)
    if _REFUSED.search(said):
        return MachineError(f"{what}:\n{tail}", remedy=_REFUSED_REMEDY)
    return PackageError(
        f"{what}:\n{tail}",
        where=where,
        remedy="Every package needs a wheel for this version of Python and this platform.",
    )


__all__ = ["Target", "compile_lock", "install"]
