"""The ledger and the observations in memory, as every database keeps them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from sealift.errors import DataError, NotFoundError, UsageError
from sealift.ports import T
from sealift.record.image import Image
from sealift.record.mark import Mark
from sealift.record.model import Model
from sealift.record.observation import Label, Prediction, RequestSeen, Scored, Sketch
from sealift.record.release import Release
from sealift.record.run import Run, StepRun
from sealift.types import Digest, Json


class MemoryLedger:
    """A ledger that ends with the process.

    >>> MemoryLedger().next_version()
    1
    """

    def __init__(self) -> None:
        self._records: dict[tuple[type[Any], str], Any] = {}
        self._places: dict[str, dict[int, StepRun]] = {}
        self._given = 0
        self._held: set[str] = set()

    def save(self, record: Run | Model | Image | Release | Mark) -> None:
        """Insert or replace."""
        self._records[type(record), _key(record)] = record
        if isinstance(record, Run) and record.steps != self._steps(record.id):
            self._places[record.id] = dict(enumerate(record.steps))

    def get(self, kind: type[T], key: str | int) -> T:
        """One record; ``NotFoundError`` names what there is."""
        if (kind, str(key)) in self._records:
            found: T = self._records[kind, str(key)]
            return found
        known = ", ".join(_key(record) for record in self.all(kind)) or "none"
        raise NotFoundError(f"There is no {kind.__name__} {key!r}.", remedy=f"Known: {known}.")

    def add_steps(self, run: str, steps: Mapping[int, StepRun]) -> None:
        """Add to a saved run how steps ended."""
        self._places.setdefault(run, {}).update(steps)
        old = self.get(Run, run)
        self._records[Run, run] = msgspec.structs.replace(old, steps=self._steps(run))

    def _steps(self, run: str) -> tuple[StepRun, ...]:
        return tuple(step for _, step in sorted(self._places.get(run, {}).items()))

    def amend(self, kind: type[T], key: str | int, change: Callable[[T], T]) -> T:
        """Read, change and save one record."""
        changed = change(self.get(kind, key))
        self.save(changed)
        return changed

    def amend_head(self, run: str, change: Callable[[Run], Run]) -> Run:
        """Amend a run without its steps, which stay."""
        changed = change(msgspec.structs.replace(self.get(Run, run), steps=()))
        self._records[Run, run] = msgspec.structs.replace(changed, steps=self._steps(run))
        return changed

    def all(self, kind: type[T]) -> list[T]:
        """Every record of a kind, oldest first."""
        found = [record for (known, _), record in self._records.items() if known is kind]
        return sorted(found, key=_created)

    def heads(self) -> list[Run]:
        """Every run without its steps, oldest first."""
        return [msgspec.structs.replace(run, steps=()) for run in self.all(Run)]

    def next_version(self) -> int:
        """A model version that was never given out before."""
        self._given = 1 + max([self._given, *(model.version for model in self.all(Model))])
        return self._given

    def cached(self, key: Digest) -> StepRun | None:
        """The newest finished step with this key."""
        steps = (step for run in self.all(Run) for step in run.steps)
        done = [step for step in steps if step.status == "done" and step.key == key]
        return max(done, key=lambda step: step.started + step.seconds, default=None)

    def latest(self, name: str) -> StepRun | None:
        """The newest outcome of a step of this name that was not skipped."""
        steps = (step for run in self.all(Run) for step in run.steps)
        found = [step for step in steps if step.name == name and step.status != "skipped"]
        return found[-1] if found else None

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Hold a lock of this name. Raises ``UsageError`` if taken."""
        if name in self._held:
            raise UsageError(f"Another {name} is running.")
        self._held.add(name)
        try:
            yield
        finally:
            self._held.discard(name)


def _key(record: Any) -> str:
    if isinstance(record, Model):
        return str(record.version)
    return str(record.digest if isinstance(record, Image) else record.id)


def _created(record: Any) -> float:
    return float(record.started if isinstance(record, Run) else record.created)


@dataclass
class _State:
    cursors: dict[str, Json] = field(default_factory=dict)
    requests: list[RequestSeen] = field(default_factory=list)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    waiting: dict[str, Label] = field(default_factory=dict)
    scored: dict[str, Scored] = field(default_factory=dict)
    sketches: dict[tuple[int, str, float], Sketch] = field(default_factory=dict)


class MemoryObservations:
    """Observations that end with the process."""

    def __init__(self) -> None:
        self._state = _State()

    def add(
        self,
        *,
        cursors: dict[str, Json],
        requests: Sequence[RequestSeen] = (),
        predictions: Sequence[Prediction] = (),
        sketches: Sequence[Sketch] = (),
        labels: Sequence[Label] = (),
        after: dict[str, Json] | None = None,
    ) -> bool:
        """All of it or, when something is wrong with it, nothing."""
        now = self._state.cursors
        if after is not None and any(now.get(name) != value for name, value in after.items()):
            return False
        state = _State(*(copy.copy(getattr(self._state, part.name)) for part in fields(_State)))
        state.requests.extend(requests)
        for new in predictions:
            state.predictions.setdefault(new.id, new)
        for label in labels:
            if label.id not in state.scored:
                state.waiting.setdefault(label.id, label)
        for name in [*(new.id for new in predictions), *(label.id for label in labels)]:
            _meet(state, name)
        for sketch in sketches:
            _add_up(state, sketch)
        state.cursors.update(copy.deepcopy(cursors))
        self._state = state
        return True

    def cursors(self) -> dict[str, Json]:
        """How far each log has been read."""
        return copy.deepcopy(self._state.cursors)

    def requests(self, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, RequestSeen]]:
        """Requests with their serial numbers, from the one behind ``after``."""
        return list(enumerate(self._state.requests, start=1))[after : after + limit]

    def scored(self, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, Scored]]:
        """Predictions joined with their labels, in the order in which the two met."""
        return list(enumerate(self._state.scored.values(), start=1))[after : after + limit]

    def sketches(self, version: int, *, since: float = 0.0) -> list[Sketch]:
        """The sketches of one version, by field and time."""
        found = [sketch for sketch in self._state.sketches.values() if sketch.version == version]
        found.sort(key=lambda sketch: (sketch.field, sketch.since))
        return [sketch for sketch in found if sketch.since >= since]

    def counts(self, *, since: float = 0.0) -> dict[int, dict[str, int]]:
        """By version; a label counts when its prediction was made since then."""
        found: dict[int, dict[str, int]] = {}

        def count(version: int, name: str) -> None:
            empty = {"requests": 0, "failed": 0, "predictions": 0, "labels": 0}
            found.setdefault(version, empty)[name] += 1

        for seen in self._state.requests:
            if seen.at >= since:
                count(seen.version, "requests")
                if seen.status >= 500 or seen.status == 0:
                    count(seen.version, "failed")
        for prediction in self._state.predictions.values():
            if prediction.at >= since:
                count(prediction.version, "predictions")
                if prediction.id in self._state.scored:
                    count(prediction.version, "labels")
        return dict(sorted(found.items()))


def _meet(state: _State, name: str) -> None:
    if name in state.predictions and name in state.waiting:
        prediction, label = state.predictions[name], state.waiting.pop(name)
        state.scored[name] = Scored(
            id=name,
            at=prediction.at,
            labelled=label.at,
            version=prediction.version,
            generation=prediction.generation,
            output=prediction.output,
            value=label.value,
        )


def _add_up(state: _State, new: Sketch) -> None:
    key = (new.version, new.field, new.since)
    old = state.sketches.get(key)
    if old is None:
        state.sketches[key] = new
        return
    if len(old.counts) != len(new.counts):
        raise DataError(f"Field {new.field!r} was counted in another number of bins before.")
    counts = tuple(a + b for a, b in zip(old.counts, new.counts, strict=True))
    state.sketches[key] = msgspec.structs.replace(old, counts=counts, nulls=old.nulls + new.nulls)


__all__ = ["MemoryLedger", "MemoryObservations"]
