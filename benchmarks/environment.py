"""Rivals in environments of their own, from locks with hashes, below build/bench/envs."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from benchmarks import program
from benchmarks.machine import REPOSITORY

ENVIRONMENTS = REPOSITORY / "build" / "bench" / "envs"
UV = Path(sys.prefix) / "bin" / "uv"


def environment(
    lock: Path, version: str, name: str = "", *, interpreter: Path | None = None
) -> Path:
    """The environment of a lock, made where it is missing or stale; named as the lock's folder.

    ``interpreter`` is for those that run with no other than the distribution's own. Raises
    ``FailedError`` when there is no such Python, or a package cannot be had.
    """
    name = name or lock.parent.name
    where, mark = ENVIRONMENTS / name, ENVIRONMENTS / f"{name}.made-of"
    wanted = f"{version} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
    if mark.is_file() and mark.read_text() == wanted:
        return where
    mark.unlink(missing_ok=True)
    program.run(
        [UV, "venv", "--quiet", "--clear", "--python", interpreter or python(version), where]
    )
    into: program.Words = ["--python", where / "bin" / "python", "--require-hashes", lock]
    program.run([UV, "pip", "sync", "--quiet", "--compile-bytecode", *into])
    mark.write_text(wanted)
    return where


def python(version: str) -> Path:
    """An interpreter of this minor version: on the path, else one of pyenv's."""
    for found in candidates(version):
        try:
            told = program.run([found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        except program.FailedError:
            continue
        if told.output.strip() == version:
            return found
    raise program.FailedError(f"there is no Python {version} on this machine")


def candidates(version: str) -> list[Path]:
    """Where an interpreter of this version may be."""
    named = shutil.which(f"python{version}")
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    pyenv = sorted(root.glob(f"versions/{version}.*/bin/python{version}"))
    return [*pyenv, *([Path(named)] if named else [])]


__all__ = ["UV", "candidates", "environment", "python"]
