"""What came of running a recorded run again."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.record.run import Machine
from sealift.types import Digest

Verdict = Literal["identical bytes", "identical values", "within tolerance", "different", "failed"]
"""How an output made again compares; the first three count as reproduced."""


class Remade(msgspec.Struct, frozen=True, kw_only=True):
    """One output: its digest in the run, and that of what was made again (None: nothing was).

    ``difference`` is the largest relative difference of any two numbers in it, None where the two
    cannot be compared by values; ``tolerance`` is what was declared. ``differs`` names the places,
    not all where there are many.
    """

    step: str
    output: str
    recorded: Digest
    again: Digest | None
    verdict: Verdict
    difference: float | None = None
    tolerance: float = 0.0
    differs: tuple[str, ...] = ()

    @property
    def reproduced(self) -> bool:
        """Whether it came out as it was, as far as was asked."""
        return self.verdict not in ("different", "failed")


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was run again: when, where, by whom, and what each output came to.

    ``causes`` say by step why outputs differ, as far as that can be told; ``unlike`` is what
    differs in what the steps were given, compared with the record.
    """

    id: str
    run: str
    project: str
    started: float
    finished: float
    user: str
    machine: Machine
    image: Digest
    lock: Digest | None
    outputs: tuple[Remade, ...]
    causes: dict[str, tuple[str, ...]] = {}
    unlike: tuple[str, ...] = ()

    @property
    def reproduced(self) -> bool:
        """Whether every output was."""
        return bool(self.outputs) and all(one.reproduced for one in self.outputs)


__all__ = ["Remade", "Reproduction", "Verdict"]
