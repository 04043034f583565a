"""Telling what a step logs while it runs: ``tell PLAN`` says the lines of a file as they come."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from sealift import process
from sealift.kubernetes.porter import Beside

EVERY = 1.0
"""Seconds between two looks at the file."""


def main(arguments: Sequence[str]) -> int:
    """Do what the first argument says until this process is told to end; the exit status."""
    plan = msgspec.json.decode(arguments[0], type=Beside)
    Told(plan.told, sys.stdout.buffer).until(ending())
    return 0


def ending() -> threading.Event:
    """What is set once this process is told to end."""
    found = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: found.set())
    return found


class Told:
    """A file whose whole lines are said, each once; none where it has no name."""

    def __init__(self, file: str, out: BinaryIO) -> None:
        self._file, self._out, self._at = file, out, 0

    def until(self, ended: threading.Event) -> None:
        """Say what comes until the end, and what is there then."""
        while self._file:
            over = ended.wait(EVERY)
            self.say()
            if over:
                return
        ended.wait()

    def say(self) -> None:
        """Say what is new."""
        with suppress(OSError), Path(self._file).open("rb") as file:
            file.seek(self._at)
            content = file.read()
            whole = content[: content.rfind(b"\n") + 1]
            self._at += len(whole)
            self._out.write(whole)
            self._out.flush()


if __name__ == "__main__":
    process.exit_now(main(sys.argv[1:]))


__all__ = ["Told", "ending", "main"]
