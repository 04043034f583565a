"""What a person sees of steps that take long: how many are done, and their latest metrics."""

from __future__ import annotations

from collections.abc import Iterable

from sealift.ports import Progress
from sealift.train import points
from sealift.train.job import Bench
from sealift.train.plan import Planned

EVERY = 1.0
"""Seconds between two looks."""

WHOLE = "all steps"
SHOWN = 3
"""Metrics that are shown of a step at most."""


class Pulse:
    """Tells how a run goes on while its steps are at work; what is not new is not told again."""

    def __init__(self, run: str, total: int, bench: Bench, progress: Progress) -> None:
        self._run, self._total, self._bench, self._progress = run, total, bench, progress
        self._told: dict[str, str] = {}

    def beat(self, working: Iterable[Planned], done: int) -> None:
        """Look at the steps at work, of which ``done`` have ended before."""
        self._tell(WHOLE, f"running, {done:,} of {self._total:,} done")
        for one in working:
            if one.step.curves and (latest := self._latest(one)):
                self._tell(one.name, f"running, {latest}")

    def end(self) -> None:
        """Take the line about all steps away, if there is one."""
        if self._told:
            self._progress.step(WHOLE, "unchanged")

    def _latest(self, one: Planned) -> str:
        found = points.latest(points.beside(self._bench.log(self._run, one)))
        shown = list(found.items())[:SHOWN]
        return ", ".join(
            f"{name} {value:.4g}" + (f" at {step:,}" if step >= 0 else "")
            for name, (step, value) in shown
        )

    def _tell(self, name: str, status: str) -> None:
        if self._told.get(name) != status:
            self._told[name] = status
            self._progress.step(name, status)


__all__ = ["EVERY", "WHOLE", "Pulse"]
