"""Faults while an image is built and pushed: kill -9 at random moments, and a disk that fills up.

After each the store is judged from its files, and the next attempt has to end with the same digest.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import program
from benchmarks.package.soundness import faults
from sealift import clock

SOONER = 0.7
"""The part of its time after which an attempt is killed, where one had ended by then."""


@dataclass
class Outcome:
    """What a series of faults did: how often one struck, and all that went wrong after it."""

    rounds: int = 0
    struck: int = 0
    unsound: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)

    def judge(self, where: str, layout: Path) -> None:
        """Look at the store after a fault."""
        self.unsound += [f"{where}: {line}" for line in faults(layout)]

    def compare(self, where: str, wanted: str, got: str) -> None:
        """Look at how the next attempt ended."""
        if wanted != got:
            self.unfinished.append(f"{where}: {got} instead of {wanted}")


@dataclass(frozen=True)
class Attempt:
    """An attempt to build and push: its command line, folder and environment.

    ``digest`` is asked after an attempt that ended well; ``forget`` makes the next one build
    everything anew.
    """

    words: program.Words
    folder: Path
    env: dict[str, str] = field(repr=False)
    layout: Path
    digest: Callable[[], str]
    forget: Callable[[], None]

    def finish(self) -> str:
        """Let one run to its end; the digest of what it pushed, or why it failed."""
        try:
            program.run(self.words, cwd=self.folder, env=self.env)
            return self.digest()
        except program.FailedError as error:
            return str(error)

    def cut(self, after: float) -> bool:
        """Kill one with SIGKILL after so many seconds; whether it still ran then."""
        words = [str(word) for word in self.words]
        quiet = subprocess.DEVNULL
        child = subprocess.Popen(words, cwd=self.folder, env=self.env, stdout=quiet, stderr=quiet)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(after)
        running = child.poll() is None
        if running:
            child.send_signal(signal.SIGKILL)
        child.wait()
        return running


def kills(attempt: Attempt, rounds: int, seed: int, told: Callable[[str], None]) -> Outcome:
    """Kill an attempt at moments that are spread evenly over its time, shaken by the seed."""
    attempt.forget()
    began = clock.monotonic()
    wanted = attempt.finish()
    whole = clock.monotonic() - began
    chance, outcome = random.Random(seed), Outcome()  # noqa: S311 - has to repeat
    for number in range(rounds):
        after = whole * (number + chance.random()) / rounds
        where = f"round {number + 1}, killed after {after:.2f} s"
        attempt.forget()
        while not attempt.cut(after):
            # this one was faster than that in peace
            attempt.forget()
            after *= SOONER
        outcome.struck += 1
        outcome.rounds += 1
        outcome.judge(where, attempt.layout)
        outcome.compare(where, wanted, attempt.finish())
        outcome.judge(f"{where}, then finished", attempt.layout)
        told(f"{where}: {len(outcome.unsound)} faults, {len(outcome.unfinished)} unfinished so far")
    return outcome


def full_disks(
    attempt: Attempt, volume: Path, free: list[int], told: Callable[[str], None]
) -> Outcome:
    """Fill the volume that an attempt works on up to so many free bytes, let it try, free it."""
    attempt.forget()
    wanted, outcome = attempt.finish(), Outcome()
    for room in free:
        where = f"disk with {room:,} bytes left"
        attempt.forget()
        with filled(volume, room):
            outcome.struck += attempt.finish() != wanted
            outcome.judge(where, attempt.layout)
        outcome.rounds += 1
        outcome.compare(where, wanted, attempt.finish())
        outcome.judge(f"{where}, then finished", attempt.layout)
        told(f"{where}: {len(outcome.unsound)} faults, {len(outcome.unfinished)} unfinished so far")
    return outcome


@contextlib.contextmanager
def filled(volume: Path, room: int) -> Iterator[None]:
    """A volume with this many bytes left, as long as the block runs."""
    ballast = volume / "ballast"
    try:
        with ballast.open("wb") as file:
            spare = shutil.disk_usage(volume).free - room
            while spare > 0:
                spare -= file.write(bytes(min(spare, 1 << 20)))
        yield
    finally:
        ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(where: Path, size: int) -> Iterator[Path]:
    """A file system in memory with so many bytes. Raises ``FailedError`` without the right to."""
    where.mkdir(parents=True)
    options = f"size={size},mode=0700"
    program.run(["mount", "-t", "tmpfs", "-o", options, "sealift-bench", where])
    try:
        yield where
    finally:
        program.run(["umount", "--lazy", where])  # whoever looked at its database may hold it
        where.rmdir()


__all__ = ["Attempt", "Outcome", "filled", "full_disks", "kills", "small_disk"]
