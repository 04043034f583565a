"""Releases with the real router and real servers, under load: no client notices anything."""

import msgspec
import pytest
from releasing import request_for

from sealift import clock, process
from sealift.adapters.routers.traefik import Traefik
from sealift.folders import Folders
from sealift.record.container import Container
from sealift.record.release import Release
from sealift.release.controller import Controller
from sealift.release.fleet import Fleet
from sealift.testing import backend
from sealift.testing.ledger import MemoryLedger, MemoryObservations
from sealift.testing.load import Load
from sealift.watch.collect import Collector


class Servers:
    """An engine whose containers are small servers of the host."""

    def __init__(self, folder):
        self.name = "servers"
        self._folder = folder
        self._kept = {}

    def start(self, spec):
        """Start one; returns once it answers."""
        server = backend.start(
            int(spec.labels["sealift.version"]),
            self._folder / f"{spec.name}.log",
            port=int(spec.env["SEALIFT_PORT"]),
            delay=0.005,
        )
        container = Container(
            id=spec.name,
            name=spec.name,
            engine=self.name,
            image=spec.image,
            labels=spec.labels,
            running=True,
            started=clock.now(),
        )
        self._kept[container.id] = (container, server)
        return container

    def stop(self, container, *, grace):
        """End it."""
        _, server = self._kept.pop(container.id, (None, None))
        if server is not None:
            process.end(server.pid, process.started(server.pid), grace)

    def find(self, labels):
        """All that were not stopped."""
        return [
            msgspec.structs.replace(one, running=server.alive)
            for one, server in self._kept.values()
            if labels.items() <= one.labels.items()
        ]

    def kill(self, version):
        """Let the server of a version crash."""
        for one, server in self._kept.values():
            if one.labels["sealift.version"] == str(version):
                server.kill()

    def close(self):
        """End all of them."""
        for one, _ in list(self._kept.values()):
            self.stop(one, grace=0.0)


class Place:
    """Router, servers, collector and controller in one process."""

    def __init__(self, folder):
        self.ledger, self.observations = MemoryLedger(), MemoryObservations()
        self.engine = Servers(folder)
        self.router = Traefik(folder / "live", service="svc")
        self.folders = Folders(folder)
        self.router.start()
        self.restart()

    def restart(self):
        """Another controller, which knows nothing yet."""
        self.collector = Collector(
            self.router, self.observations, self.folders.records, lambda _: None
        )
        self.controller = Controller(
            service="svc",
            ledger=self.ledger,
            observations=self.observations,
            router=self.router,
            fleet=Fleet(self.engine, service="svc", folders=self.folders),
        )

    def until(self, holds, seconds=40.0):
        """Rounds until something holds of the newest release."""
        deadline = clock.monotonic() + seconds
        while not holds(self.release):
            assert clock.monotonic() < deadline, self.release
            self.collector.tick()
            self.controller.tick()
            clock.sleep(0.05)
        return self.release

    def ask(self, version, **settings):
        """Ask for a release."""
        self.ledger.save(request_for(version, at=clock.now(), **settings))

    @property
    def release(self):
        """The newest release."""
        return self.ledger.all(Release)[-1]

    def seen(self):
        """Every request, once the router's log has been read to the end."""
        for _ in range(10):
            self.collector.tick()
            clock.sleep(0.05)
        return [one for _, one in self.observations.requests(limit=10**6)]

    def close(self):
        """End everything."""
        self.router.stop()
        self.engine.close()


@pytest.fixture
def place(tmp_path):
    """A place; nothing of it is left."""
    made = Place(tmp_path)
    yield made
    made.close()


def ended(release):
    """Whether it is over."""
    return release.state == "ended"


def test_nobody_notices_a_switch_a_canary_and_a_crash_of_both(place):
    """Every request is answered, and stands in the audit of the release it came under."""
    place.ask(1)
    place.until(ended)
    with Load(place.router.address, clients=3, pause=0.005) as load:
        place.ask(2, strategy="blue-green")
        switch = place.until(ended)
        place.ask(3)
        place.until(lambda one: one.state == "observing")
        place.until(lambda one: load.answered.get(3, 0) > 10)
        place.engine.kill(3)
        place.until(lambda one: load.answered.get(3, 0) > 30)
        place.restart()
        canary = place.until(ended)
    sent, failed = load.sent, load.failed
    seen = place.seen()

    assert failed == []
    assert (switch.outcome, canary.outcome) == ("promoted", "promoted")
    assert len(seen) == sent
    assert set(load.answered) == {1, 2, 3}
    for release in (switch, canary):
        under = [one for one in seen if str(one.generation) in release.shares]
        assert release.audit.failed == 0
        for version, count in release.audit.by_version.items():
            whole = sum(one.version == int(version) for one in under)
            late = sum(one.version == int(version) and one.at > release.ended - 1 for one in under)
            assert whole - late <= count <= whole
    assert set(canary.audit.by_version) == {"2", "3"}
    # not one request to the old version is missing: it was left alone before the count
    assert canary.audit.by_version["2"] == sum(
        one.version == 2 and str(one.generation) in canary.shares for one in seen
    )
