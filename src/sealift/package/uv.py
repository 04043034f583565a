"""Resolving and unpacking wheels for another platform, by uv.

uv goes the ways of the project's network, and reads the user's own configuration files and
credentials; nothing of that is written anywhere.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sealift import process
from sealift.errors import MachineError, OfflineError, PackageError, SourceError
from sealift.network.faults import LOGIN, PROXY, TRUST
from sealift.network.network import Network
from sealift.package.lacking import lacking

_ARCHES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_UNREACHABLE = re.compile(
    r"error sending request|dns error|connection refused|failed to fetch|operation timed out"
    r"|could not connect|\b(401|403|407|5\d\d) [A-Z]",
    re.IGNORECASE,
)
_OFF = re.compile(r"network connectivity is disabled|network was disabled", re.IGNORECASE)
_HASH = re.compile(r'sha256 = "([0-9a-f]{64})"')
_UNBUILT = re.compile(r"Wheels are required for `([^`]+)` because building from source is disabled")
_REFUSED = re.compile(r"\(os error (1|13|28|30|122)\)")
"""The system's numbers for: not permitted, no access, no space, read-only, no quota."""
_REFUSED_REMEDY = "Free some space, or mend the permissions, then run the command again."
_LATER = "Run the command again then; what was downloaded already is kept."
_UNFIT = "Every package needs a wheel for this version of Python and this platform."
_UNFOUND = "Correct the name, or the version in the requirements; or take it off image.build."
_INDEX = (
    "Check the network and the index (network.index in sealift.toml, UV_DEFAULT_INDEX, UV_INDEX, "
    "uv.toml); behind a proxy, set network.proxy or HTTPS_PROXY."
)
_REASONS = (
    (r"407 |proxy authorization", "the proxy wants to know who asks", f"{LOGIN} {PROXY}"),
    (r"tunnel error: failed to create", "the proxy cannot be reached", PROXY),
    (r"tunnel error", "the proxy does not let an index be reached", PROXY),
    (r"invalid peer certificate", "the certificate is not trusted", TRUST),
    (r"\b(401|403) [A-Z]", "an index wants to know who asks", f"{LOGIN} uv reads ~/.netrc too."),
    (r"", "an index cannot be reached", _INDEX),
)
"""What uv may say of an index, in whose words, and what to do."""


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
    constraints: Sequence[Path] = (),
) -> tuple[str, ...]:
    """The exact wheels for requirements files, one requirement with its hashes a line.

    The hashes are those of files that fit the target: mostly just that of the wheel to be taken.
    """
    words = ["pip", "compile", "--no-header", "--no-annotate", *target.options]
    words += map(str, sources)
    for file in constraints:
        words += ["--constraints", str(file)]
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


def lock_script(script: Path, network: Network) -> str:
    """What uv locks for a script that tells the metadata of all it depends on, as TOML.

    Nothing is built, since nothing has to be found out.
    """
    done = _run(["lock", "--script", str(script)], network)
    if done.status:
        what = "A source distribution cannot be found"
        raise _failure(done, what, "sealift.toml: image.build", _UNFOUND)
    return script.with_name(f"{script.name}.lock").read_text(encoding="utf-8")


def probe(network: Network) -> None:
    """Ask the index, once, for a package that every image needs.

    Raises ``SourceError`` when it cannot be reached, ``PackageError`` when it has none.
    """
    quick = replace(network, environment={**network.environment, "UV_HTTP_RETRIES": "0"})
    words = ["pip", "compile", "-", "--no-deps", "--refresh", "--no-header"]
    done = _run(words, quick, stdin=b"numpy\n")
    if done.status:
        raise _failure(done, "The index has no answer", where="")


def install(requirements: Path, target: Target, network: Network, folder: Path) -> None:
    """Unpack exactly these wheels below a prefix: from uv's cache, else from the indexes.

    Raises ``SourceError`` when one cannot be had, ``OfflineError`` naming all that are not in the
    cache when the network is switched off, ``PackageError`` when one does not fit.
    """
    words = ["pip", "install", "--prefix", str(folder), "--no-deps", "--require-hashes"]
    words += ["--no-compile-bytecode", *target.options, "--requirements"]
    done = _run([*words, str(requirements), "--offline"], network)
    if done.status and not network.offline:
        shutil.rmtree(folder, ignore_errors=True)
        done = _run([*words, str(requirements)], network)
    elif done.status and (lacks := _not_cached(requirements, words, network)):
        raise lacking(lacks)
    if done.status:
        raise _failure(done, "The packages cannot be unpacked", where="sealift.lock")


def _not_cached(requirements: Path, words: Sequence[str], network: Network) -> list[str]:
    """The wheels that uv's cache does not have: uv itself stops at the first."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    common = [line for line in lines if line.startswith("-")]
    alone = requirements.with_name("alone.txt")
    lacks = []
    for line in lines:
        if not line.startswith("-"):
            alone.write_text("\n".join([*common, line, ""]), encoding="utf-8")
            done = _run([*words, str(alone), "--offline"], network)
            if done.status and _OFF.search(done.stderr.decode(errors="replace")):
                lacks.append(line.partition(" ")[0])
    return lacks


def _run(words: Sequence[str], network: Network, stdin: bytes = b"") -> process.Finished:
    program = _program()
    argv = [program, *words, "--python", sys.executable, "--quiet", "--color", "never"]
    with network.child() as environment:
        return process.run(argv, env=environment, stdin=stdin)


def _program() -> str:
    beside = Path(sys.prefix) / "bin" / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise MachineError(
            "The program uv is not on this machine.", remedy="Install Sealift again, or uv itself."
        )
    return found


def _failure(
    done: process.Finished, what: str, where: str, remedy: str = _UNFIT
) -> MachineError | PackageError:
    said = done.stderr.decode(errors="replace").strip()
    tail = "\n".join(said.removeprefix("error: ").splitlines()[-12:])
    if _UNREACHABLE.search(said):
        why, remedy = next((why, to) for sign, why, to in _REASONS if re.search(sign, said))
        return SourceError(f"{what}: {why}.\n{tail}", remedy=f"{remedy} {_LATER}")
    if _OFF.search(said):
        return OfflineError(
            f"{what}: the network is switched off, and uv's cache does not have all of it.\n{tail}",
            remedy="Run this once with a network; or take network.offline and SEALIFT_OFFLINE "
            "away.",
        )
    if _REFUSED.search(said):
        return MachineError(f"{what}:\n{tail}", remedy=_REFUSED_REMEDY)
    if unbuilt := sorted(set(_UNBUILT.findall(said))):
        return _wheelless(unbuilt, f"{what}:\n{tail}", where)
    return PackageError(f"{what}:\n{tail}", where=where, remedy=remedy)


def _wheelless(names: Sequence[str], said: str, where: str) -> PackageError:
    """The error for packages of which an index has no wheel that fits, but what to build one of."""
    one = len(names) == 1
    files = "a source distribution" if one else "source distributions"
    return PackageError(
        f"No wheel of {', '.join(names)} fits this version of Python and this platform; there "
        f"{'is' if one else 'are'} only {files}, which nothing builds unasked. {said}",
        where=where,
        remedy=f"Have {'it' if one else 'them'} built in a container: add {json.dumps(list(names))}"
        " to image.build in sealift.toml; or ask for versions that have wheels.",
    )


__all__ = ["Target", "compile_lock", "install", "lock_script", "probe"]
