"""Everybody who is measured, and why others are not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import machine
from benchmarks.program import FailedError
from benchmarks.result import Where
from benchmarks.train.runners import Ours, Rival


@dataclass
class Field:
    """Who is measured; ``absent`` has the reason for each rival that is not."""

    ours: Ours
    repeats: int
    where: Where
    rivals: list[Rival] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def runners(self) -> list[Ours | Rival]:
        """All who are measured, ours first."""
        return [self.ours, *self.rivals]


def say(text: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def everybody(repeats: int, rivals: Sequence[str]) -> Field:
    """Set everybody up; rivals that cannot run are left out, with the reason."""
    whole = Field(Ours(), repeats, machine.where())
    say("preparing ours")
    whole.ours.prepare()
    for rival in map(Rival, rivals):
        say(f"preparing {rival.name}")
        try:
            rival.prepare()
            whole.rivals.append(rival)
        except FailedError as error:
            whole.absent[rival.name] = str(error)
            say(f"{rival.name}: {error}")
    return whole


__all__ = ["Field", "everybody", "say"]
