"""Builds one wheel inside a container, by PEP 517: with the standard library alone.

``python3 pep517.py requires`` unpacks /in/sdist to /kiln/source and asks the backend what it needs
besides; ``python3 pep517.py wheel`` then has it write a wheel to /out. Each is a process of its
own, since backends do not expect two calls in one.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MORE = 3
"""The exit status that says: /out/requires.json names something that is not there."""
LEGACY = "setuptools.build_meta:__legacy__"
"""The backend of projects that name none (PEP 517, "Source trees")."""


def unpack(source: Path, where: Path) -> None:
    """Unpack an archive; members that would lie outside of ``where`` are refused."""
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as whole:
            whole.extractall(where)  # noqa: S202, it keeps to its folder
    else:
        with tarfile.open(source) as whole:
            whole.extractall(where, filter="data")


def top(where: Path) -> Path:
    """The one folder that a source distribution has at its top."""
    folders = [path for path in where.iterdir() if path.is_dir()]
    if len(folders) != 1:
        sys.exit("The source distribution has not exactly one folder at its top.")
    return folders[0]


def backend(root: Path) -> Any:
    """The backend that the project in ``root`` names, imported."""
    file = root / "pyproject.toml"
    said = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    system = said.get("build-system", {})
    inside = [(root / one).resolve() for one in system.get("backend-path", [])]
    if not all(path.is_relative_to(root) for path in inside):
        sys.exit("backend-path leads out of the source distribution.")
    sys.path[:1] = map(str, inside)  # in place of the folder of this program
    name, _, inner = system.get("build-backend", LEGACY).partition(":")
    found: Any = importlib.import_module(name)
    for part in filter(None, inner.split(".")):
        found = getattr(found, part)
    return found


def main(words: Sequence[str], given: Path, work: Path, out: Path) -> int:
    """Do what the first word says; the exit status."""
    os.umask(0o022)
    if words[0] == "requires":
        unpack(given / "sdist", work / "source")
    root = top(work / "source")
    os.chdir(root)
    maker = backend(root)
    if words[0] == "wheel":
        print("built", maker.build_wheel(str(out)), flush=True)  # noqa: T201
        return 0
    ask = getattr(maker, "get_requires_for_build_wheel", list)
    more = sorted(ask())
    (out / "requires.json").write_text(json.dumps(more))
    known = json.loads((given / "known.json").read_text())
    return 0 if known is None or set(more) <= set(known) else MORE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path("/in"), Path("/kiln"), Path("/out")))
