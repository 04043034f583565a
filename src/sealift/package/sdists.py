"""Source distributions: found and fetched without running anything of them.

uv is asked to lock one package whose dependencies it is told beforehand to be none, so that it
neither builds nor opens it; what it answers names the file. Only the container of the build runs
what is inside (see ``kiln``).
"""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sealift import digest
from sealift.errors import PackageError, ProjectError
from sealift.folders import downloads
from sealift.network.logins import signed_in
from sealift.network.network import Network
from sealift.package import uv
from sealift.package.fetch import Fetcher
from sealift.record.pin import normal

_LARGEST = 1_000_000
"""Bytes of a pyproject.toml that are read at most."""
_LINE = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(.*)")
_REMEDY = "Take it off image.build in sealift.toml, or correct the name."


@dataclass(frozen=True)
class Sdist:
    """A source distribution in the cache: ``sha256`` in hexadecimal, ``file`` as it is called."""

    name: str
    version: str
    file: str
    sha256: str
    path: Path


def asked(name: str, texts: Sequence[str]) -> list[str]:
    """A package, and what lines of requirements files say of its version.

    Raises ``ProjectError`` for a line that names an address.

    >>> asked("tree", ["Tree[x] >=1,<2 --hash=sha256:00\\nnumpy\\n"])
    ['tree', 'tree>=1,<2']
    """
    found = [name]
    for line in (line for text in texts for line in text.splitlines()):
        match = _LINE.fullmatch(line.partition(" #")[0].partition("--hash")[0])
        if match and normal(match[1]) == normal(name):
            said = match[3].strip().rstrip("\\").strip()
            if said.startswith("@"):
                raise ProjectError(
                    f"{name} is to be built, and the requirements name an address for it.",
                    where="sealift.toml: image.build",
                    remedy="Name a version in the requirements; or take it off image.build.",
                )
            found.append(f"{name}{said}")
    return found


def find(
    name: str, wanted: Sequence[str], indexes: Sequence[str], python: str, network: Network
) -> Sdist:
    """The newest source distribution of a package that is ``wanted`` (lines of requirements).

    ``indexes`` are lines of a requirements file that name any. Raises ``PackageError`` when there
    is none, ``SourceError`` when an index cannot be reached.
    """
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "one.py"
        script.write_text(_script(name, wanted, indexes, python), encoding="utf-8")
        locked = tomllib.loads(uv.lock_script(script, network))
        for one in locked.get("package", ()):
            if one["name"] == normal(name) and "sdist" in one:
                return _fetched(name, one, script.parent, network)
    raise PackageError(
        f"The index has no source distribution of {name} that fits the requirements.",
        where="sealift.toml: image.build",
        remedy=_REMEDY,
    )


def _script(name: str, wanted: Sequence[str], indexes: Sequence[str], python: str) -> str:
    """A script with this dependency (PyPA, "Inline script metadata"), whose metadata is told."""
    lines = [
        f'requires-python = "=={python}.*"',
        f"dependencies = {json.dumps(list(wanted))}",
        "[tool.uv]",
        f'dependency-metadata = [{{ name = "{normal(name)}", requires-dist = [] }}]',
        *_places(indexes),
    ]
    return "\n".join(["# /// script", *(f"# {line}" for line in lines), "# ///", ""])


def _places(indexes: Sequence[str]) -> Iterator[str]:
    """Options of a requirements file that name indexes, as uv's settings."""
    words = [re.split(r"[ =]+", line.strip(), maxsplit=1) for line in indexes]
    folders = [place for option, place in words if option in ("-f", "--find-links")]
    if folders:
        yield f"find-links = {json.dumps(folders)}"
    for option, place in words:
        if option not in ("-f", "--find-links"):
            default = "true" if option in ("-i", "--index-url") else "false"
            yield from ("[[tool.uv.index]]", f"url = {json.dumps(place)}", f"default = {default}")


def _fetched(name: str, one: dict[str, Any], folder: Path, network: Network) -> Sdist:
    told = one["sdist"]
    url = told.get("url") or (folder / told["path"]).resolve().as_uri()
    known = told.get("hash", "")
    sha256 = known.removeprefix("sha256:") if known.startswith("sha256:") else ""
    with Fetcher(downloads() / "sdists", network) as fetcher:
        address = signed_in(url, network.environment)
        path = fetcher.file(address, sha256) if sha256 else fetcher.first(address)
    return Sdist(
        name=normal(name),
        version=one["version"],
        file=unquote(urlsplit(url).path).rpartition("/")[2],
        sha256=sha256 or digest.of_file(path).removeprefix("sha256:"),
        path=path,
    )


def held(name: str, version: str, file: str, sha256: str, network: Network) -> Sdist | None:
    """A source distribution that the cache has."""
    with Fetcher(downloads() / "sdists", network) as fetcher:
        path = fetcher.held(sha256)
    return Sdist(name, version, file, sha256, path) if path else None


def requires(source: Sdist) -> list[str]:
    """What its pyproject.toml says that building it needs; read, not run.

    Raises ``PackageError`` where it cannot be understood.
    """
    try:
        text = next(_projects(source.path), "")
        system = tomllib.loads(text).get("build-system", {})
        return [str(one) for one in system.get("requires", ["setuptools"])]
    except (OSError, ValueError, AttributeError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise PackageError(
            f"The source distribution {source.file} cannot be read: {error}.",
            where=str(source.path),
            remedy="Ask for another version in the requirements.",
        ) from error


def _projects(path: Path) -> Iterator[str]:
    """The text of the pyproject.toml at the top of an archive."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as whole:
            for name in whole.namelist():
                if _is_project(name):
                    with whole.open(name) as file:
                        yield file.read(_LARGEST).decode()
        return
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and _is_project(member.name):
                content = tar.extractfile(member)
                yield content.read(_LARGEST).decode() if content else ""


def _is_project(name: str) -> bool:
    return re.fullmatch(r"(\./)?[^/]+/pyproject\.toml", name) is not None


__all__ = ["Sdist", "asked", "find", "held", "requires"]
