"""A route of Gateway API as the router: weights, compared and swapped; requests as servers count.

The route belongs to whoever wrote it last: what somebody else changed meanwhile is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import msgspec

from sealift import clock
from sealift.adapters.routers.reach import Reach
from sealift.errors import ClusterError, ConflictError, ForbiddenError, ReleaseError
from sealift.kubernetes import traffic
from sealift.kubernetes.features import ECHO, address, features
from sealift.kubernetes.kinds import CLASS, GATEWAY, POD, ROUTE, SERVICE
from sealift.kubernetes.objects import Object, Place
from sealift.kubernetes.pod import HTTP
from sealift.kubernetes.reading import entries, part, text, title
from sealift.kubernetes.route import route as made_route
from sealift.kubernetes.routing import Division, accepted, division
from sealift.kubernetes.traffic import Reading
from sealift.ports import Cluster, Progress
from sealift.record.environment import GatewaySettings
from sealift.record.observation import RequestSeen
from sealift.record.route import Route
from sealift.types import Json

MOST = 100_000
"""Requests that are told at once; the rest come next time."""
_AGAIN = 5
_AT_ONCE = 8

Notes = Callable[[], Mapping[str, str]]
Settle = Callable[[Object], object]


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """A version behind the route."""

    name: str
    own: bool


class GatewayRouter:
    """Implements ``ports.Router`` with an HTTPRoute of the environment's gateway.

    ``notes`` are written on the route as annotations, ``settle`` waits until the gateway took it.
    Before ``claim``, whatever the route is, is taken as it is.
    """

    def __init__(
        self,
        cluster: Cluster,
        place: Place,
        service: str,
        progress: Progress,
        *,
        notes: Notes,
        settle: Settle,
    ) -> None:
        gateway = place.settings.gateway
        assert gateway is not None
        self._cluster = cluster
        self._place = place
        self._gateway: GatewaySettings = gateway
        self._service = service
        self._progress = progress
        self._notes = notes
        self._settle = settle
        self._claimed: Object | None = None
        self._known = False
        self._written: Route | None = None

    @property
    def address(self) -> str:
        """Where the gateway is reached from here; empty where that is not known."""
        return self._reach.address if self._reach else ""

    def start(self) -> bool:
        """The gateway is not Sealift's to start: nothing is ever missing."""
        return False

    def stop(self) -> None:
        """Nor to end: the route stays, and requests with it."""

    def running(self) -> bool:
        """Whether there is a route that the gateway took."""
        now = self._get()
        return now is not None and accepted(now)

    def claim(self, route: Object | None) -> None:
        """Go on from a route as it was looked at: where it is another one later, it is left."""
        self._claimed, self._known = route, True

    def apply(self, route: Route) -> None:
        """See ``Router``. Raises ``ReleaseError`` where somebody else moved the requests."""
        self._sensible(route)
        now = self._get()
        self._unmoved(now)
        notes = dict(self._notes())
        if route == self._written and now is not None and _noted(now, notes):
            return
        made = self._swapped(self._made(route, notes), now)
        moved = route != self._written
        self._claimed, self._known, self._written = made, True, route
        if not moved:
            return
        self._progress.step(title(made), "created" if now is None else "changed")
        self._settle(made)
        if self._reach and self._echoes and any(one.weight for one in route.backends):
            self._reach.follows(route.generation)

    def note(self) -> None:
        """Write the notes anew."""
        if self._written is not None:
            self.apply(self._written)

    def here(self) -> Json:
        """The cursor of what comes from now on."""
        return _cursor({name: now for name, _, now in self._readings(clock.now())})

    def events(self, cursor: Json) -> tuple[list[RequestSeen], Json]:
        """See ``Router``: what the servers counted since; a pod that is silent is read later."""
        before = {} if cursor is None else msgspec.convert(cursor, dict[str, Reading])
        seen: list[RequestSeen] = []
        after: dict[str, Reading] = {}
        at = clock.now()
        for name, version, now in self._readings(at):
            old = before.get(name, Reading(at=at))
            if not now.container:
                after[name] = old
                continue
            fresh, room = traffic.news(old, now), MOST - len(seen)
            told, left = traffic.first(fresh, room)
            after[name] = msgspec.structs.replace(now, counts=traffic.less(now.counts, left))
            seen += traffic.requests(version, told, since=old.at, until=now.at)
        # of one moment, those of an earlier division came first
        seen.sort(key=lambda one: (one.at, one.generation))
        return seen, _cursor(after)

    def _readings(self, at: float) -> list[tuple[str, int, Reading]]:
        """Every pod of the service: its name, its version, and what it has counted by now, ``at``.

        The reading of a pod that does not answer names no container.
        """
        namespace = self._place.settings.namespace
        labels = {"app.kubernetes.io/name": self._service}
        pods = [
            one
            for one in self._cluster.find(POD, namespace, labels).items
            if text(one, "metadata", "labels", "sealift.version").isdigit()
        ]
        with ThreadPoolExecutor(_AT_ONCE) as several:
            return list(several.map(lambda pod: self._reading(pod, at), pods))

    def _reading(self, pod: Object, at: float) -> tuple[str, int, Reading]:
        name = text(pod, "metadata", "name")
        version = int(text(pod, "metadata", "labels", "sealift.version"))
        namespace = self._place.settings.namespace
        try:
            page = self._cluster.fetch(name, namespace, HTTP, "/metrics", {})
        except ForbiddenError:
            raise
        except ClusterError:  # it starts, or ends, or its node is away
            return name, version, Reading(at=at)
        counts = traffic.counted(page.decode(errors="replace"))
        return name, version, Reading(traffic.container(pod), counts, at)

    @cached_property
    def _echoes(self) -> bool:
        """Whether answers can carry the number of the division that they came under."""
        return ECHO in features(self._class)

    @cached_property
    def _class(self) -> Object | None:
        name = text(self._seen, "spec", "gatewayClassName")
        try:
            return self._cluster.get(CLASS, name, "") if name else None
        except ForbiddenError:
            return None

    @cached_property
    def _seen(self) -> Object | None:
        namespace = self._gateway.namespace or self._place.settings.namespace
        try:
            return self._cluster.get(GATEWAY, self._gateway.name, namespace)
        except ForbiddenError:
            return None

    @cached_property
    def _reach(self) -> Reach | None:
        found = self._gateway.address or address(self._seen)
        if not found or not self._echoes:
            why = "its address is not known" if self._echoes else "its class sets no headers"
            self._progress.say(f"Requests are not looked at through the gateway: {why}.")
            return None
        host = next((one for one in self._gateway.hosts if not one.startswith("*")), "")
        return Reach(found, host, self._progress, sure=bool(self._gateway.address))

    def _get(self) -> Object | None:
        return self._cluster.get(ROUTE, self._service, self._place.settings.namespace)

    def _made(self, route: Route, notes: Mapping[str, str]) -> Object:
        shares = [(self._behind(one.version), one.weight) for one in route.backends]
        made = made_route(
            self._service, shares, self._gateway, self._place, route.generation, echo=self._echoes
        )
        metadata = made["metadata"]
        assert isinstance(metadata, dict)
        return {**made, "metadata": {**metadata, "annotations": dict(notes)}}

    def _behind(self, version: int) -> Behind:
        """A version as its Service is; raises ``ReleaseError`` where there is none."""
        name = f"{self._service}-v{version}"
        found = self._cluster.get(SERVICE, name, self._place.settings.namespace)
        if found is None:  # its share would be answered with 500
            raise ReleaseError(
                f"There is no Service {name!r}: model {version} cannot get requests.",
                where=self._place.name,
                remedy=f"Run `sealift release --env {self._place.name} --model {version}`.",
            )
        ports = {text(one, "name") for one in entries(found, "spec", "ports")}
        return Behind(name=name, own="grpc" in ports)

    def _swapped(self, wanted: Object, now: Object | None) -> Object:
        """Apply the route where it is as it was looked at; a status may change meanwhile."""
        for last in (*[False] * (_AGAIN - 1), True):
            try:
                return self._cluster.apply(_pinned(wanted, now))
            except ConflictError:
                if last:
                    raise
            now = self._get()
            self._unmoved(now)
        raise AssertionError

    def _unmoved(self, now: Object | None) -> None:
        """Raises ``ReleaseError`` where the route is not as it was left."""
        if not self._known:
            self.claim(now)
        if _claim(now) == _claim(self._claimed):
            return
        who = text(now, "metadata", "annotations", HOLDER).partition(" ")[0]
        raise ReleaseError(
            f"Somebody else moved the requests meanwhile{f' ({who})' if who else ''}; "
            "they were left there.",
            where=f"httproute {self._service}",
            remedy="See `sealift status` of the environment, and release again.",
        )

    def _sensible(self, route: Route) -> None:
        versions = [one.version for one in route.backends]
        if len(set(versions)) != len(versions):
            raise ReleaseError("A route names the same version twice.")
        if any(one.weight > 0 and not one.urls for one in route.backends):
            raise ReleaseError("A version has a share but no address.")


HOLDER = "sealift.holder"
"""The annotation that says who moves the requests: USER@HOST and a word of the process."""


def _cursor(readings: Mapping[str, Reading]) -> Json:
    """What was read, without pods that never answered."""
    told: Json = msgspec.to_builtins({name: one for name, one in readings.items() if one.at})
    return told


def _claim(route: Object | None) -> tuple[Division, str]:
    return division(route or {}), text(route, "metadata", "annotations", HOLDER)


def _noted(now: Object, notes: Mapping[str, str]) -> bool:
    return all(text(now, "metadata", "annotations", name) == told for name, told in notes.items())


def _pinned(wanted: Object, now: Object | None) -> Object:
    metadata = part(wanted, "metadata")
    assert isinstance(metadata, dict)
    if now is None:
        return wanted
    version = text(now, "metadata", "resourceVersion")
    return {**wanted, "metadata": {**metadata, "resourceVersion": version}}


__all__ = ["HOLDER", "MOST", "GatewayRouter"]
