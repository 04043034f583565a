"""Calling podman or docker, and telling its failures apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from sealift import process
from sealift.errors import MachineError

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds that one call may take; bringing in a large image is the longest."""


class State(msgspec.Struct, frozen=True, rename="pascal"):
    """What the engine knows of a container's life."""

    running: bool
    exit_code: int
    started_at: datetime
    error: str = ""

    @property
    def began(self) -> bool:
        """Whether its program was ever started."""
        return self.started_at.year > 1


class Config(msgspec.Struct, frozen=True, rename="pascal"):
    """What the engine was told of a container."""

    labels: dict[str, str] | None = None


class Inspected(msgspec.Struct, frozen=True, rename="pascal"):
    """A container as both programs describe it."""

    state: State
    config: Config


@dataclass(frozen=True)
class Command:
    """The program of an engine, by name."""

    program: str

    def call(self, *words: str) -> str:
        """Run it and return what it says. Raises ``MachineError`` with its last words."""
        done = process.run([self.program, *words], timeout=PATIENCE)
        if done.status != 0:
            raise self.failure(words[0], done.stderr.decode(errors="replace"))
        return done.text

    def tell(self, *words: str) -> bool:
        """Run it; whether it did well."""
        return process.run([self.program, *words], timeout=PATIENCE).status == 0

    def read(self, kind: type[T], *words: str) -> T:
        """Run it and read the JSON that it answers with."""
        return self._decode(kind, words[0], self.call(*words))

    def inspect(self, title: str) -> Inspected | None:
        """A container; None when there is none of this name."""
        done = process.run([self.program, "container", "inspect", title], timeout=PATIENCE)
        if done.status != 0:
            said = done.stderr.decode(errors="replace")
            if "no such container" in said.lower():
                return None
            raise self.failure("container inspect", said)
        return self._decode(list[Inspected], "container inspect", done.text)[0]

    def _decode(self, kind: type[T], verb: str, answer: str) -> T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError as error:
            raise self.failure(verb, f"an answer that is not understood: {error}") from error

    def failure(self, verb: str, said: str) -> MachineError:
        """The error for a call that failed."""
        return MachineError(
            f"`{self.program} {verb}` failed: {last(said) or 'it gave no reason'}.",
            remedy=f"Run `{self.program} info` to see whether it works on this machine.",
        )


def last(said: str) -> str:
    """The last line of what an engine said that tells something: its reason.

    >>> last("docker: no such thing.\\nRun 'docker run --help' for more information\\n")
    'docker: no such thing'
    """
    telling = [line for line in said.splitlines() if line and not re.match(r"(Run|See) '", line)]
    return telling[-1].removeprefix("Error: ").rstrip(".?") if telling else ""


def unrunnable(said: str) -> tuple[int, str] | None:
    """127 or 126, and why, where an engine says that the program is not there or cannot be run.

    >>> unrunnable('crun: executable file `x` not found in $PATH: No such file or directory')[0]
    127
    >>> unrunnable('Error: mount /a: permission denied') is None
    True
    """
    for line in said.splitlines():
        text = line.lower()
        if "exec" not in text:
            continue
        if "not found" in text or "no such file or directory" in text:
            return 127, last(line)
        if "permission denied" in text or "exec format error" in text:
            return 126, last(line)
    return None


__all__ = ["Command", "Config", "Inspected", "State", "last", "unrunnable"]
