"""The router in memory, and the suite that every router passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from sealift.errors import ReleaseError
from sealift.ports import Router
from sealift.record.observation import RequestSeen
from sealift.record.route import Backend, Route
from sealift.types import Json

_NOBODY = 503
_OK = 200


class MemoryRouter:
    """Implements ``ports.Router`` without a network.

    ``fault`` is called with the name of each effect before it happens and may raise, so that a
    test can let any of them fail. ``routes`` keeps every route that was ever put in force.
    """

    def __init__(self, fault: Callable[[str], None] | None = None) -> None:
        self.routes: list[Route] = []
        self._seen: list[RequestSeen] = []
        self._owed: dict[int, float] = {}
        self._fault = fault or (lambda _: None)
        self._running = False

    @property
    def address(self) -> str:
        """The base URL that nobody listens at."""
        return "http://127.0.0.1:9"

    def start(self) -> bool:
        """Start; whether it was not running. Idempotent."""
        self._fault("router.start")
        missing = not self._running
        self._running = True
        return missing

    def stop(self) -> None:
        """End; idempotent."""
        self._fault("router.stop")
        self._running = False

    def running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._running

    def apply(self, route: Route) -> None:
        """Put a route in force.

        Raises ``ReleaseError`` when it is not running, or the route names a version twice or
        without an address.
        """
        self._fault("router.apply")
        if not self._running:
            raise ReleaseError("The router is not running.", remedy="Start it.")
        versions = [one.version for one in route.backends]
        if len(set(versions)) != len(versions):
            raise ReleaseError("A route names the same version twice.")
        if any(one.weight > 0 and not one.urls for one in route.backends):
            raise ReleaseError("A version has a share but no address.")
        self.routes.append(route)
        self._owed = {}

    def events(self, cursor: Json) -> tuple[list[RequestSeen], Json]:
        """Requests since the cursor, and the new cursor."""
        self._fault("router.events")
        after = cursor if isinstance(cursor, int) else 0
        return self._seen[after:], len(self._seen)

    def send(
        self, at: float, answer: Callable[[int], tuple[int, float]] = lambda _: (_OK, 0.01)
    ) -> RequestSeen:
        """A client's request; ``answer`` gives status and seconds of the version it goes to."""
        route = self.routes[-1] if self.routes else Route(service="", generation=0, backends=())
        version = self._pick([one for one in route.backends if one.weight > 0])
        status, seconds = answer(version) if version else (_NOBODY, 0.0)
        seen = RequestSeen(
            at=at, generation=route.generation, version=version, status=status, seconds=seconds
        )
        self._seen.append(seen)
        return seen

    def _pick(self, backends: list[Backend]) -> int:
        """Smooth weighted round robin: who is owed the most is next."""
        whole = sum(one.weight for one in backends)
        for one in backends:
            self._owed[one.version] = self._owed.get(one.version, 0.0) + one.weight / whole
        if not backends:
            return 0
        chosen = max(backends, key=lambda one: self._owed[one.version]).version
        self._owed[chosen] -= 1.0
        return chosen


class Bench(Protocol):
    """What the suite needs of an adapter's test: a router, and servers behind it."""

    @property
    def router(self) -> Router:
        """A router that was never started."""
        ...

    def again(self) -> Router:
        """A second object for the same router, as another process would make it."""
        ...

    def backend(self, version: int) -> str:
        """The URL of a running server of this version."""
        ...

    def send(self, count: int) -> list[int]:
        """Send so many requests for predictions to the router; the statuses of the answers."""
        ...

    def settled(self, count: int, cursor: Json = None) -> tuple[list[RequestSeen], Json]:
        """The events behind a cursor, once there are ``count`` of them (or after a few seconds)."""
        ...


def suite() -> list[Callable[[Bench], None]]:
    """The claims that every router keeps; each takes a fresh bench and asserts."""
    return [
        starting_twice_is_starting_once,
        the_address_survives_a_stop,
        a_route_without_backends_answers_503,
        the_split_follows_the_weights,
        requests_carry_the_generation_in_force,
        a_route_that_makes_no_sense_changes_nothing,
        a_version_without_weight_gets_nothing,
        events_come_once_each,
        a_stopped_router_refuses_routes,
    ]


def starting_twice_is_starting_once(bench: Bench) -> None:
    """A second start, even by another object, adopts what runs."""
    assert bench.router.start()
    assert not bench.router.start()
    assert bench.router.running()
    address = bench.router.address
    second = bench.again()
    assert not second.start()
    assert second.address == address
    second.stop()
    assert not bench.router.running()
    bench.router.stop()


def the_address_survives_a_stop(bench: Bench) -> None:
    """Clients keep one address for good."""
    bench.router.start()
    address = bench.router.address
    bench.router.stop()
    bench.router.start()
    assert bench.router.address == address
    bench.router.stop()


def a_route_without_backends_answers_503(bench: Bench) -> None:
    """Before the first version there is an answer, and it is counted."""
    bench.router.start()
    bench.router.apply(Route(service="svc", generation=3, backends=()))
    assert bench.send(3) == [_NOBODY] * 3
    seen, _ = bench.settled(3)
    assert [(one.version, one.status, one.generation) for one in seen] == [(0, _NOBODY, 3)] * 3
    bench.router.stop()


def the_split_follows_the_weights(bench: Bench) -> None:
    """Over a hundred requests, each version gets its share to within three."""
    bench.router.start()
    bench.router.apply(_route(bench, 1, {1: 900, 2: 100}))
    assert bench.send(100) == [_OK] * 100
    seen, _ = bench.settled(100)
    second = sum(one.version == 2 for one in seen)
    assert abs(second - 10) <= 3
    bench.router.stop()


def requests_carry_the_generation_in_force(bench: Bench) -> None:
    """Once a route is applied, every request is counted under it."""
    bench.router.start()
    for generation in (1, 2, 7):
        bench.router.apply(_route(bench, generation, {generation: 1000}))
        bench.send(2)
    seen, _ = bench.settled(6)
    assert [(one.generation, one.version) for one in seen] == [
        pair for pair in ((1, 1), (2, 2), (7, 7)) for _ in range(2)
    ]
    bench.router.stop()


def a_route_that_makes_no_sense_changes_nothing(bench: Bench) -> None:
    """A refused route leaves the one before it in force."""
    bench.router.start()
    good = _route(bench, 1, {1: 1000})
    bench.router.apply(good)
    twice = Route(service="svc", generation=2, backends=good.backends * 2)
    nowhere = Route(
        service="svc", generation=3, backends=(Backend(version=9, weight=1000, urls=()),)
    )
    for bad in (twice, nowhere):
        try:
            bench.router.apply(bad)
        except ReleaseError:
            continue
        raise AssertionError(f"{bad} was not refused")
    bench.send(1)
    seen, _ = bench.settled(1)
    assert [one.generation for one in seen] == [1]
    bench.router.stop()


def a_version_without_weight_gets_nothing(bench: Bench) -> None:
    """A weight of 0 is no traffic at all."""
    bench.router.start()
    bench.router.apply(_route(bench, 1, {1: 0, 2: 1000}))
    bench.send(20)
    seen, _ = bench.settled(20)
    assert {one.version for one in seen} == {2}
    bench.router.stop()


def events_come_once_each(bench: Bench) -> None:
    """From any cursor, also after a stop and a start, nothing is missed and nothing comes twice."""
    bench.router.start()
    bench.router.apply(_route(bench, 1, {1: 1000}))
    bench.send(5)
    first, cursor = bench.settled(5)
    assert bench.again().events(msgspec.json.decode(msgspec.json.encode(cursor)))[0] == []
    bench.router.stop()
    bench.router.start()
    bench.router.apply(_route(bench, 2, {1: 1000}))
    bench.send(4)
    second, _ = bench.settled(4, cursor)
    assert [one.generation for one in first + second] == [1] * 5 + [2] * 4
    bench.router.stop()


def a_stopped_router_refuses_routes(bench: Bench) -> None:
    """Applying a route to nothing is an error, not silence."""
    bench.router.start()
    bench.router.stop()
    bench.router.stop()
    try:
        bench.router.apply(_route(bench, 1, {1: 1000}))
    except ReleaseError:
        return
    raise AssertionError("A route was applied to a router that does not run.")


def _route(bench: Bench, generation: int, weights: dict[int, int]) -> Route:
    return Route(
        service="svc",
        generation=generation,
        backends=tuple(
            Backend(version=version, weight=weight, urls=(bench.backend(version),))
            for version, weight in weights.items()
        ),
    )


__all__ = ["Bench", "MemoryRouter", "suite"]
