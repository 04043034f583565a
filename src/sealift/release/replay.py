"""Reading the observations of a release, from its first on, after every restart anew."""

from __future__ import annotations

from collections.abc import Callable

from sealift.ports import Observations
from sealift.record.release import Audit, Release
from sealift.release.audit import Tally
from sealift.release.evidence import Evidence

PAGE = 5_000
PAGES = 6


class Replay:
    """The evidence and the audit of one release, as far as the observations have been read.

    ``baseline`` is the stable version's constant prediction, None where there is none.
    """

    def __init__(self, release: Release, baseline: float | str | None) -> None:
        self.id = release.id
        self.evidence = Evidence(
            release.plan,
            candidate=release.version,
            stable=release.previous,
            shares=release.shares,
            baseline=baseline,
        )
        self._tally = Tally()
        self._request = release.first_request
        self._scored = release.first_scored

    @property
    def audit(self) -> Audit:
        """Every request under the routes of the release, so far."""
        return self._tally.audit

    def read(self, observations: Observations, release: Release) -> bool:
        """Read on, a bounded number of pages; whether that was all there is."""
        self.evidence.shares = release.shares
        for _ in range(PAGES):
            requests = observations.requests(after=self._request, limit=PAGE)
            scored = observations.scored(after=self._scored, limit=PAGE)
            for serial, seen in requests:
                self.evidence.see_request(seen)
                self._tally.see(seen, release.shares)
                self._request = serial
            for serial, joined in scored:
                self.evidence.see_scored(joined)
                self._scored = serial
            if max(len(requests), len(scored)) < PAGE:
                return True
        return False


def last_request(observations: Observations) -> int:
    """The serial number of the newest request, 0 when there is none."""
    return _last(
        lambda after: [serial for serial, _ in observations.requests(after=after, limit=1)]
    )


def last_scored(observations: Observations) -> int:
    """The serial number of the newest labelled prediction, 0 when there is none."""
    return _last(lambda after: [serial for serial, _ in observations.scored(after=after, limit=1)])


def _last(behind: Callable[[int], list[int]]) -> int:
    """The largest number with nothing behind it: steps that double, then a search between."""
    low, step = 0, 1
    while found := behind(low + step):
        low, step = found[0], step * 2
    high = low + step
    while low < high:
        middle = (low + high) // 2
        if found := behind(middle):
            low = found[0]
        else:
            high = middle
    return low


__all__ = ["Replay", "last_request", "last_scored"]
