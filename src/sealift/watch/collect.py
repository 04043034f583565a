"""Collecting what happened: the router's requests and the servers' predictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from sealift.errors import NotFoundError
from sealift.ports import Observations, Router
from sealift.record.observation import Prediction, Sketch
from sealift.record.profile import FieldProfile, Profile
from sealift.stats import sketch
from sealift.types import Json
from sealift.watch.log import Progress, pieces, remove_finished

HOUR = 3600.0
"""Seconds that one sketch covers."""

PIECES = 8
"""Pieces of the logs (each at most 4 MiB) that are read in one tick."""


class Collector:
    """Reads the router's log and the prediction logs on, and keeps what they say.

    ``records`` is the folder of the prediction logs, ``profiles`` gives the reference profile of
    a version (``NotFoundError`` when it has none: its predictions are kept and not counted in
    bins). Inputs are only counted; nothing of a single one is kept.
    """

    def __init__(
        self,
        router: Router,
        observations: Observations,
        records: Path,
        profiles: Callable[[int], Profile],
    ) -> None:
        self._router = router
        self._observations = observations
        self._records = records
        self._profiles = profiles
        self._known: dict[int, Profile] = {}

    def tick(self) -> int:
        """Read on; returns how many requests and predictions were new.

        Bounded work: with much to read, several ticks are needed. A crash at any moment neither
        loses nor doubles anything, and a second collector at the same time reads nothing twice.
        """
        return self._read_requests() + self._read_predictions()

    def skipped(self) -> int:
        """Lines of the prediction logs that were no predictions, since the beginning."""
        return _progress(self._observations.cursors().get("records")).skipped

    def _read_requests(self) -> int:
        before = self._observations.cursors().get("router")
        seen, cursor = self._router.events(before)
        if not seen and cursor == before:
            return 0
        kept = self._observations.add(
            cursors={"router": cursor}, requests=seen, after={"router": before}
        )
        return len(seen) if kept else 0

    def _read_predictions(self) -> int:
        before = self._observations.cursors().get("records")
        new = 0
        for piece in islice(pieces(self._records, _progress(before)), PIECES):
            cursor: Json = msgspec.to_builtins(piece.progress)
            if not self._observations.add(
                cursors={"records": cursor},
                predictions=piece.predictions,
                sketches=list(self._sketches(piece.predictions)),
                after={"records": before},
            ):
                return new
            before = cursor
            new += len(piece.predictions)
        remove_finished(self._records, _progress(before))
        return new

    def _sketches(self, predictions: Sequence[Prediction]) -> Iterator[Sketch]:
        windows: defaultdict[tuple[int, float], list[Prediction]] = defaultdict(list)
        for one in predictions:
            windows[one.version, one.at // HOUR * HOUR].append(one)
        for (version, since), rows in windows.items():
            profile = self._profile(version)
            if profile is not None:
                yield from sketches(profile, version, since, rows)

    def _profile(self, version: int) -> Profile | None:
        if version not in self._known:
            try:
                self._known[version] = self._profiles(version)
            except NotFoundError:
                return None
        return self._known[version]


def sketches(
    profile: Profile, version: int, since: float, rows: Sequence[Prediction]
) -> Iterator[Sketch]:
    """Predictions of one version and one stretch of time as counts: each input, and the answer.

    The answer is counted under ``profile.prediction.name``.
    """

    def counted(field: FieldProfile, values: Sequence[sketch.Value]) -> Sketch:
        counts, nulls = sketch.count(field, values)
        return Sketch(version=version, field=field.name, since=since, counts=counts, nulls=nulls)

    for field in profile.fields:
        yield counted(field, [row.inputs.get(field.name) for row in rows])
    yield counted(profile.prediction, [row.output for row in rows])


def _progress(cursor: Json) -> Progress:
    return Progress() if cursor is None else msgspec.convert(cursor, Progress)


__all__ = ["Collector", "HOUR", "sketches"]
