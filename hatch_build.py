"""Compiles native/ while a wheel or an editable installation is built.

The libraries are made for each platform that images are made for, whatever machine builds: an
image for another processor gets its own one. That is why they are data of a wheel for any machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROCESSORS = {
    "aarch64": ("aarch64", "baseline"),
    "x86_64": ("x86_64", "baseline"),
    "x86_64-v3": ("x86_64", "x86_64_v3"),  # what nearly all have: vectors of 32 bytes
}
OPTIONS = (
    *("-dynamic", "-OReleaseSafe"),
    "-fstrip",  # no paths of the machine that builds
    "-fsingle-threaded",  # calls hold the interpreter's lock; and no storage of threads is needed
)


class CompiledError(Exception):
    """Native code that could not be compiled, and what to do about it."""


class NativeHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile what is not there yet, and have it go into the wheel though git ignores it."""
        del version
        made = compiled(Path(self.root))
        build_data["artifacts"] += [f"/{path.relative_to(self.root).as_posix()}" for path in made]


def compiled(root: Path) -> list[Path]:
    """The libraries of a source tree, compiled where they or their sources changed.

    Raises ``CompiledError`` without the pinned compiler, or with what it says of the sources.
    """
    return [library(root, processor) for processor in PROCESSORS]


def library(root: Path, processor: str) -> Path:
    """The library for one kind of processor, or a level of it; see ``compiled``."""
    place = root / f"src/sealift/serve/express-{processor}.so"
    room = root / "build/native"
    note = room / f"{place.name}.json"
    kind, level = PROCESSORS[processor]
    target = ("-target", f"{kind}-linux-gnu", "-mcpu", level)
    command = ["build-lib", "native/express.zig", *OPTIONS, *target]
    sources = _digest([*sorted((root / "native").glob("*.zig"))])
    wanted = {"command": command, "compiler": _pinned(root), "sources": sources}
    if place.exists() and _noted(note) == {**wanted, "made": _digest([place])}:
        return place
    _require(_pinned(root))
    room.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=room) as folder:
        fresh = Path(folder).resolve() / place.name
        run([*command, f"-femit-bin={fresh}"], root)
        fresh.chmod(0o644)
        fresh.replace(place)  # a process that has the old one loaded keeps it
    note.write_text(json.dumps({**wanted, "made": _digest([place])}))
    return place


def _noted(note: Path) -> Any:
    """What was noted when a library was made; a lost note costs time alone."""
    try:
        return json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None


def _digest(files: list[Path]) -> str:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return json.dumps(found)


def _pinned(root: Path) -> str:
    """The version of the compiler that makes the same bytes everywhere."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    name = "ziglang=="
    lines: list[str] = project["build-system"]["requires"]
    return next(line.removeprefix(name) for line in lines if line.startswith(name))


def _require(pinned: str) -> None:
    try:
        found = version("ziglang")
    except PackageNotFoundError:
        found = "not installed"
    if found != pinned:
        raise CompiledError(
            f"native/ is compiled with ziglang {pinned}, and for {sys.executable} it is {found}. "
            f"Install ziglang=={pinned} there, or build without --no-build-isolation."
        )


def run(command: list[str], root: Path) -> str:
    """Run the compiler, with its cache in the source tree and no settings from outside.

    What it says. Raises ``CompiledError`` when it fails.
    """
    caches = ("--cache-dir", "build/zig", "--global-cache-dir", "build/zig")
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", *command, *caches],
        cwd=root,
        env=_environment(os.environ),
        capture_output=True,
        check=False,
    )
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode != 0:
        raise CompiledError(f"native/ does not compile (status {done.returncode}):\n{said}")
    return said


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if not name.startswith("ZIG_")}
