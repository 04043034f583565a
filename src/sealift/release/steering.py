"""Containers and route brought to where a record wants them, and how they stand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sealift.errors import SealiftError
from sealift.ports import Router
from sealift.record.release import Release
from sealift.record.route import Backend, Route
from sealift.release.servers import Servers, Standing

DEATHS = 3
"""A candidate that died this often is not worth another start."""
QUIET = 1.0
"""Seconds without any connection after which a version without traffic is stopped."""
DRAIN = 90.0
"""Seconds after which it is stopped all the same; it then still answers what it has begun."""
ASSURE = 2.0
"""Seconds after which a route is looked at again, in case something else has changed it."""


class Steering:
    """The fleet and the router of one service, in one hand.

    What it remembers may be lost at any time: it only saves work, and gives patience a start.
    """

    def __init__(
        self, *, service: str, router: Router, fleet: Servers, now: Callable[[], float]
    ) -> None:
        self._service = service
        self._router = router
        self._fleet = fleet
        self._now = now
        self._route: Route | None = None
        self._assured = 0.0
        self._changed = 0.0
        self._since: dict[str, float] = {}
        self._troubles: list[str] = []

    def stable(self, release: Release) -> Standing:
        """How a promoted version stands, once more. Raises ``SealiftError``."""
        return self._fleet.ensure(release.version, release.image)

    def candidate(self, release: Release) -> Standing:
        """How a candidate stands; one that cannot even be started counts as dying."""
        try:
            standing = self._fleet.ensure(release.version, release.image)
        except SealiftError as error:
            self._troubles.append(str(error))
            # Once it has served, an engine that fails for a moment says nothing against it.
            deaths = len(self._troubles) if release.state == "starting" else 0
            return Standing(version=release.version, urls=(), ready=False, deaths=deaths)
        self._troubles.clear()
        return standing

    def hopeless(self, candidate: Standing) -> str:
        """Why a candidate is given up; empty while it is not."""
        cause = self._troubles[-1] if self._troubles else candidate.cause
        if candidate.hopeless:
            return candidate.hopeless
        if candidate.deaths >= DEATHS:
            return f"model {candidate.version} died {candidate.deaths} times. {cause}"
        if candidate.ready:
            self._since.pop("unready", None)
        elif self.elapsed("unready", self._fleet.patience):
            waited = f"{self._fleet.patience:.0f} s"
            return f"model {candidate.version} was not ready for {waited}. {cause}"
        return ""

    def route(
        self, weights: Mapping[int, int], standings: Sequence[Standing], generation: int
    ) -> bool:
        """Bring a route in force; whether it is.

        While a version that belongs in it is not there, the route before it stays.
        Raises ``SealiftError`` when the router does not take it.
        """
        urls = {one.version: one.urls for one in standings}
        if not all(urls.get(version) for version in weights):
            return False
        backends = tuple(
            Backend(version=version, weight=weight, urls=urls[version])
            for version, weight in sorted(weights.items())
        )
        route = Route(service=self._service, generation=generation, backends=backends)
        now = self._now()
        if route != self._route or now - self._assured >= ASSURE:
            self._router.apply(route)
            self._changed = self._changed if route == self._route else now
            self._route, self._assured = route, now
        return True

    def settled(self, seconds: float) -> bool:
        """Whether the route has been the same for so long."""
        return self._now() - self._changed >= seconds

    def needed(self) -> None:
        """The version without traffic may be needed again: its time to be stopped begins anew."""
        self._since.pop("quiet", None)
        self._since.pop("drain", None)

    def drained(self, version: int) -> bool:
        """Whether a version without traffic has been left alone for long enough to be stopped."""
        idle = self._fleet.idle(version)
        if not idle:
            self._since.pop("quiet", None)
        return (idle and self.elapsed("quiet", QUIET)) or self.elapsed("drain", DRAIN)

    def stop_others(self, keep: Collection[int]) -> None:
        """Stop every version but these."""
        self._fleet.stop_others(keep)

    def elapsed(self, what: str, seconds: float) -> bool:
        """Whether so much time has passed since this was first asked."""
        now = self._now()
        return now - self._since.setdefault(what, now) >= seconds

    def afresh(self) -> None:
        """Begin to be patient anew: the release is in another state."""
        self._since.clear()
        self._troubles.clear()


__all__ = ["Steering"]
