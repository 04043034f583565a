"""A release in an environment, driven from here: the controller of this machine, on a cluster.

All that must be remembered is in the ledger, in the observations of the environment, and on the
route: who is killed is followed by whoever runs the same command.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sealift import clock
from sealift.adapters.routers.gateway import GatewayRouter
from sealift.chapters.deploying.mirror import Mirror
from sealift.chapters.deploying.noted import Pen
from sealift.chapters.deploying.servers import ClusterServers
from sealift.chapters.deploying.waiting import Waiter
from sealift.errors import AwayError
from sealift.kubernetes.objects import Object, Place
from sealift.ports import Cluster, Observations, Progress
from sealift.record.release import Release, State
from sealift.release.controller import Controller
from sealift.release.place import InPlace
from sealift.watch.collect import Collector
from sealift.watch.profiles import Profiles
from sealift.wiring import Wired

PAUSE = 0.2
"""Seconds between two rounds, after one that decided nothing."""
READ = 1.0
"""Seconds between two looks at what the servers counted, while evidence is gathered."""
MANY = 10_000
"""New observations in one round that mean that there are more."""
AWAY = 600.0
"""Seconds for which a cluster that does not answer is waited for: requests go on meanwhile."""


class Driver:
    """Carries out the release of an identifier in an environment."""

    def __init__(
        self,
        wired: Wired,
        cluster: Cluster,
        place: Place,
        progress: Progress,
        release: Release,
        bring: Callable[[int], Object],
    ) -> None:
        self._wired = wired
        self._progress = progress
        self._id = release.id
        self._told = 0
        self._behind = True
        self._read = 0.0
        gateway = place.settings.gateway
        assert gateway is not None
        waiter = Waiter(cluster, place.settings.namespace, progress)
        self.router = GatewayRouter(
            cluster,
            place,
            release.service,
            progress,
            notes=Pen(wired, release.id),
            settle=lambda made: waiter.until_routed(made, gateway),
        )
        self._observations = wired.seen_in(place.name)
        self._mirror = Mirror(cluster, place, release.service, records(wired, place))
        self._profiles = Profiles(wired.ledger, wired.store)
        self._collector = collector(wired, place, self.router, self._observations)
        self._controller = Controller(
            service=release.service,
            ledger=InPlace(wired.ledger, place.name),
            observations=self._observations,
            router=self.router,
            fleet=ClusterServers(
                cluster, place, release.service, candidate=release.version, bring=bring
            ),
            baseline=lambda version: self._profiles(version).baseline,
            behind=lambda: self._behind,
        )

    def run(self, route: Object | None) -> Release:
        """Go on until the release has ended; ``route`` is the route as it was looked at before.

        Raises ``ReleaseError`` where somebody else moved the requests, and ``ClusterError`` where
        the cluster refuses something, or does not answer for long.
        """
        self.router.claim(route)
        away = 0.0
        last: Release | None = None
        while (one := self._tell()).state != "ended":
            if one == last:  # what was decided just now is done at once
                clock.sleep(PAUSE)
            last = one
            try:
                self._round(one.state)
                away = 0.0
            except AwayError as error:
                if not away:
                    away = clock.monotonic()
                    self._progress.say(f"{error.what} Requests go on; trying for {AWAY:.0f} s.")
                if clock.monotonic() - away > AWAY:
                    raise
        self.router.note()
        return one

    def _round(self, state: State) -> None:
        # what ended lately belongs in the audit of a release that is about to end
        observed = clock.monotonic() - self._read if state == "observing" else READ
        if observed >= READ:
            self._mirror.tick()
            self._behind = True
            self._behind = self._collector.tick() >= MANY
            self._read = clock.monotonic()
        self._controller.tick()

    def _tell(self) -> Release:
        one = self._wired.ledger.get(Release, self._id)
        for event in one.events[self._told :]:
            self._progress.step(clock.stamp(event.at)[11:19], event.what)
        self._told = len(one.events)
        return one


def collector(
    wired: Wired, place: Place, router: GatewayRouter, observations: Observations
) -> Collector:
    """What reads the environment's requests and predictions into its observations.

    The first time it begins with what is counted from now on.
    """
    if observations.cursors().get("router") is None:
        observations.add(cursors={"router": router.here()})
    profiles = Profiles(wired.ledger, wired.store)
    return Collector(router, observations, records(wired, place), profiles)


def records(wired: Wired, place: Place) -> Path:
    """The folder of the prediction logs of an environment's servers."""
    return wired.folders.environment(place.name) / "records"


__all__ = ["AWAY", "Driver", "collector", "records"]
