"""Everything that one run measures: who can run here, and why others cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from benchmarks import machine
from benchmarks.package.field import say
from benchmarks.program import FailedError
from benchmarks.result import Result, Where, result
from benchmarks.serving import entrants, model
from benchmarks.serving.model import Made
from benchmarks.serving.running import Running, running
from benchmarks.serving.subject import Subject, as_json

Samples = dict[str, list[float]]


@dataclass
class Field:
    """Who is measured; ``seconds`` is the length of each sample of load."""

    made: Made
    seconds: float
    repeats: int
    where: Where
    rivals: list[Subject] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> Subject:
        """Ours with the model of everybody."""
        return entrants.ours(self.made.ours)

    @property
    def everybody(self) -> list[Subject]:
        """Ours, its ceiling, the rivals."""
        return [self.ours, entrants.ceiling("echo", entrants.ECHO), *self.rivals]

    def start(self, subject: Subject, workers: int = 1) -> AbstractContextManager[Running]:
        """A server that has given the right labels, where it asks the model."""
        rows = self.made.rows.first(2)
        wanted = rows.labels if subject.judged else None
        return running(subject, as_json(subject, rows), wanted, workers)

    def each(
        self, subjects: Sequence[Subject], measure: Callable[[Running], None], workers: int = 1
    ) -> dict[str, str]:
        """Start one after the other and measure it; the reasons of those who failed."""
        absent = dict(self.absent)
        for one in subjects:
            say(f"  {one.name}")
            try:
                with self.start(one, workers) as server:
                    measure(server)
            except FailedError as error:
                absent[one.name] = str(error)
                say(f"  {one.name}: {error}")
        return absent


class Table:
    """Samples by measure and by who gave them."""

    def __init__(self) -> None:
        self._samples: dict[str, Samples] = {}

    def add(self, measure: str, name: str, value: float) -> None:
        """One more sample."""
        self._samples.setdefault(measure, {}).setdefault(name, []).append(value)

    def of(self, measure: str) -> Samples:
        """All samples of a measure."""
        return self._samples.get(measure, {})

    def middle(self, measure: str, name: str) -> float | None:
        """The number that stands for somebody's samples."""
        found = self.of(measure).get(name)
        return sorted(found)[len(found) // 2] if found else None

    def latency(
        self, measure: str, where: Where, absent: dict[str, str], *, limit: float | None = None,
        rule: str = "",
    ) -> Result:  # fmt: skip
        """A measure in milliseconds."""
        samples = self.of(measure)
        return result(measure, samples, where, unit="ms", absent=absent, limit=limit, rule=rule)


def gathered(seconds: float, repeats: int, rivals: Sequence[str]) -> Field:
    """Train the model and make the environments; rivals without one are left out."""
    say("training the model")
    whole = Field(model.made(), seconds, repeats, machine.where())
    for name in rivals:
        say(f"preparing {name}")
        try:
            whole.rivals.append(entrants.RIVALRY[name](whole.made))
        except FailedError as error:
            whole.absent[name] = str(error)
            say(f"{name}: {error}")
    return whole


__all__ = ["Field", "Samples", "Table", "gathered", "say"]
