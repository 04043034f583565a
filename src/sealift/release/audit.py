"""The audit of a release: every request under its routes, counted."""

from __future__ import annotations

from collections.abc import Collection

from sealift.record.observation import RequestSeen
from sealift.record.release import Audit

_FAILED = 500


class Tally:
    """Adds up the requests that came under some generations of the routes.

    >>> tally = Tally()
    >>> tally.see(RequestSeen(at=0.0, generation=3, version=2, status=502, seconds=0.1), {"3"})
    >>> tally.audit
    Audit(requests=1, failed=1, by_version={'2': 1})
    """

    def __init__(self) -> None:
        self._failed = 0
        self._by_version: dict[int, int] = {}

    def see(self, seen: RequestSeen, generations: Collection[str]) -> None:
        """Count a request if it came under one of these generations."""
        if str(seen.generation) in generations:
            self._failed += seen.status == 0 or seen.status >= _FAILED
            self._by_version[seen.version] = self._by_version.get(seen.version, 0) + 1

    @property
    def audit(self) -> Audit:
        """The sums; failed are answers of 500 and above, and requests without an answer."""
        ordered = sorted(self._by_version.items())
        return Audit(
            requests=sum(self._by_version.values()),
            failed=self._failed,
            by_version={str(version): count for version, count in ordered},
        )


__all__ = ["Tally"]
