"""Running programs to be measured: how long, how much memory, and what they said."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sealift import clock

EVERY_SECONDS = 0.005
Words = Sequence[str | Path]


class FailedError(Exception):
    """A program did not do what it was run for; the text is the reason, for the page."""


@dataclass(frozen=True)
class Done:
    """How long a program ran, the most memory that it or a child of it held, what it printed."""

    seconds: float
    peak: int
    output: str


def run(
    words: Words,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 600.0,
    memory: bool = False,
) -> Done:
    """Run a program to its end. Raises ``FailedError`` with its last words.

    ``memory`` reads the high-water mark of its resident memory (VmHWM of proc(5)) and of its
    descendants every 5 ms: the mark never falls, so only a rise in the last 5 ms can be missed.
    The kernel's ``ru_maxrss`` will not do: it counts what the parent held before the exec.
    """
    argv = [str(word) for word in words]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as talk:
        began = clock.monotonic()
        try:
            child = subprocess.Popen(
                argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=said, stderr=talk
            )
        except OSError as error:
            raise FailedError(f"{Path(argv[0]).name}: {error.strerror}") from error
        watch = Watch(child.pid) if memory else None
        status = _finish(child, timeout)
        seconds = clock.monotonic() - began
        peak = watch.stop() if watch else 0
        output, told = _content(said), _content(talk)
    if status != 0:
        last = " / ".join((told or output).strip().splitlines()[-4:])
        raise FailedError(f"{Path(argv[0]).name} ended with status {status}: {last[-600:]}")
    return Done(seconds, peak, output)


def _finish(child: subprocess.Popen[bytes], timeout: float) -> int | str:
    try:
        return child.wait(timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return f"killed after {timeout:g} s"


def _content(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


class Watch:
    """Follows the memory of a process and of all its descendants while they run."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The largest high-water mark that any one of them had, in bytes."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _follow(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            for pid in family(self._pid):
                self._peak = max(self._peak, high_water(pid))


def family(pid: int) -> list[int]:
    """A process and its descendants, those that are gone left out."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def high_water(pid: int) -> int:
    """The high-water mark of a process's resident memory, in bytes; 0 when it is gone."""
    try:
        return parse_high_water(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0


def parse_high_water(status: str) -> int:
    """VmHWM in bytes from the text of ``/proc/PID/status``; 0 for a process without memory.

    >>> parse_high_water("Name:\\tsh\\nVmHWM:\\t    1736 kB\\nVmRSS:\\t 12 kB\\n")
    1777664
    """
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder, links counted once."""
    seen: dict[tuple[int, int], int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            found = os.lstat(Path(place) / name)
            seen[found.st_dev, found.st_ino] = found.st_size
    return sum(seen.values())


__all__ = ["Done", "FailedError", "Watch", "family", "high_water", "parse_high_water", "run",
    "size_of"]  # fmt: skip
