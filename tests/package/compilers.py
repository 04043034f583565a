"""Engines for builders: ones that compile without a container, and a machine that has none."""

import subprocess
import sys
from pathlib import Path

from sealift.errors import MachineError
from sealift.package import press
from sealift.testing.engine import MemoryEngine


def compiling(*more, content=b"compiled"):
    """An engine that compiles each source to its name, and writes further files."""

    def program(spec):
        given, out = (Path(one.source) for one in spec.mounts[1:])
        for name in (given / "names").read_text().split():
            source = Path(name)
            cached = out / source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
            cached.parent.mkdir(parents=True, exist_ok=True)
            cached.write_bytes(content + name.encode())
            for one in more:
                (cached.parent / one).write_bytes(b"planted")
            (cached.parent / f"{source.stem}.other-1.pyc").symlink_to("/etc/passwd")
        return 0

    return MemoryEngine(program)


def pressing(asked=None):
    """An engine whose container is the interpreter of these tests, and its program the real one.

    A list ``asked`` gets the sources of each run.
    """

    def program(spec):
        given, out = (one.source for one in spec.mounts[1:])
        if asked is not None:
            asked.append(Path(given, "names").read_text().split())
        words = [sys.executable, *press.OPTIONS, press.__file__, given, out]
        with Path(spec.log).open("wb") as log:
            return subprocess.run(words, stderr=log, check=False).returncode

    return MemoryEngine(program)


def none():
    """What a machine without an engine says."""
    raise MachineError("No container engine works on this machine.", remedy="Install podman.")
