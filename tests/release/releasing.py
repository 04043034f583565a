"""A whole world for the controller, in memory: traffic, containers, a clock, and a crash."""

import msgspec

from sealift.errors import MachineError
from sealift.folders import Folders
from sealift.record.project import GuardSettings, ReleaseSettings
from sealift.record.release import Release
from sealift.record.route import Route
from sealift.release.controller import Controller
from sealift.release.fleet import Fleet
from sealift.release.plan import plan
from sealift.testing.engine import MemoryEngine
from sealift.testing.ledger import MemoryLedger, MemoryObservations
from sealift.testing.router import MemoryRouter

EFFECTS = {
    "ledger": ("amend", "save"),
    "observations": ("requests", "scored"),
    "router": ("apply",),
    "engine": ("start", "stop", "find"),
}


def request_for(version, *, at, wish="", **settings):
    """The record of a release that was just asked for."""
    quick = {
        "stages": [20, 50],
        "stage_requests": 20,
        "guard": {"errors": GuardSettings(margin="30%")},
    }
    return Release(
        id=f"r{version}",
        service="svc",
        plan=plan(msgspec.convert(msgspec.to_builtins(quick | settings), ReleaseSettings)),
        version=version,
        image=f"sha256:{version:064}",
        report=f"sha256:{version:064}",
        previous=None,
        user="somebody",
        comment="",
        created=at,
        request=wish,
    )


class Crash(BaseException):
    """The controller's process dies here."""


class Watched:
    """A port whose effects are counted: ``moment`` is called before and after each."""

    def __init__(self, part, names, moment):
        self._part, self._names, self._moment = part, names, moment

    def __getattr__(self, name):
        found = getattr(self._part, name)
        if name not in self._names:
            return found

        def watched(*values, **named):
            self._moment()
            result = found(*values, **named)
            self._moment()
            return result

        return watched


class Replicas:
    """A probe that knows which containers run, and which versions never become ready."""

    def __init__(self, world):
        self._world = world
        self._next = 40_000
        self.silent = set()
        self.busy = set()

    def ready(self, port, path):
        """A version that is silent is never ready."""
        version = self._world.version_at(port)
        return version is not None and version not in self.silent

    def idle(self, port):
        """Nobody talks to a version without a share."""
        return self._world.version_at(port) not in self.busy

    def port(self, wanted):
        """A number that was never given out before."""
        self._next += 1
        return wanted or self._next


class World:
    """Everything that outlives the controller.

    ``crash_at`` is the number of the moment (before or after an effect) at which it dies, once.
    ``broken`` versions answer every request with 500. ``mortal`` versions die at once,
    ``unstartable`` ones cannot even be started. ``later`` is a state, a number of steps in it, and
    what a person then asks for. ``again`` is after how many more moments it dies once more.
    """

    def __init__(self, folder, *, crash_at=None):
        self.time = 1000.0
        self.ledger = MemoryLedger()
        self.observations = MemoryObservations()
        self.router = MemoryRouter()
        self.router.start()
        self.engine = MemoryEngine(fault=self._refuse)
        self.replicas = Replicas(self)
        self.broken, self.mortal, self.unstartable = set(), set(), set()
        self.engine_down = False
        self.started = []
        self.sent = []
        self.crashes = 0
        self.again = None
        self.later = None
        self.behind = False
        self.moments = 0
        self._crash_at = crash_at
        self._folders = Folders(folder)
        self._served = 0
        self.controller = self._begin()

    def _begin(self):
        ports = {
            name: Watched(getattr(self, name), effects, self._moment)
            for name, effects in EFFECTS.items()
        }
        fleet = Fleet(
            ports["engine"],
            service="svc",
            folders=self._folders,
            probe=self.replicas,
            monotonic=lambda: self.time,
        )
        return Controller(
            service="svc",
            ledger=ports["ledger"],
            observations=ports["observations"],
            router=ports["router"],
            fleet=fleet,
            behind=lambda: self.behind,
            now=lambda: self.time,
        )

    def restart(self):
        """Another process takes over; nothing that the one before had in mind is known to it."""
        self.controller = self._begin()

    def power_cut(self):
        """Everything stops at once; only what is stored is left."""
        self.engine.containers.clear()
        self.router.apply(Route(service="svc", generation=0, backends=()))
        self.restart()

    def crash_in(self, moments):
        """Die after so many more moments; None for never."""
        self.moments, self._crash_at = 0, moments

    def _moment(self):
        self.moments += 1
        if self.moments == self._crash_at:
            self.crashes += 1
            self.crash_in(self.again)
            raise Crash

    def _refuse(self, effect, name):
        if self.engine_down:
            raise MachineError("The engine does not answer.")
        if effect == "start" and any(name.startswith(f"svc-v{one}-") for one in self.unstartable):
            raise MachineError("There is no such program.")
        if effect == "start":
            self.started.append(name)

    def version_at(self, port):
        """The version of the container that listens on a port; None when nothing does."""
        for one in self.engine.containers.values():
            if one.running and one.labels["sealift.port"] == str(port):
                return int(one.labels["sealift.version"])
        return None

    def ask(self, version, *, wish="", **settings):
        """Ask for a release, as the command line does."""
        wanted = request_for(version, at=self.time, wish=wish, **settings)
        self.ledger.save(wanted)
        return wanted.id

    def wish(self, wish):
        """Ask for the end of the release in progress."""
        current = next(one for one in self.ledger.all(Release) if one.state != "ended")
        self.ledger.amend(
            Release, current.id, lambda one: msgspec.structs.replace(one, request=wish)
        )

    def step(self, *, requests=10, seconds=0.5):
        """Traffic and time go on, and the controller does one piece of work, or dies."""
        self.time += seconds
        self._traffic(requests)
        self._wish_later()
        try:
            self.controller.tick()
        except Crash:
            self.restart()
        for one in list(self.engine.containers.values()):
            if one.running and int(one.labels["sealift.version"]) in self.mortal:
                self.engine.crash(one)

    def _traffic(self, count):
        for _ in range(count):
            self.sent.append(self.router.send(self.time, self._answer))
        if self.behind:
            return
        fresh, self._served = self.router.events(self._served)
        self.observations.add(cursors={}, requests=fresh)

    def _answer(self, version):
        address = next(
            one.urls[0] for one in self.router.routes[-1].backends if one.version == version
        )
        there = self.version_at(int(address.rpartition(":")[2])) == version
        failed = version in self.broken or not there
        return (500 if failed else 200), 0.01

    def _wish_later(self):
        """A person asks for something after some steps in a state."""
        if self.later is not None and self.release.state == self.later[0]:
            state, steps, wish = self.later
            self.later = (state, steps - 1, wish) if steps else None
            if not steps:
                self.wish(wish)

    def until(self, holds, *, limit=400, **step):
        """Steps until something holds of the newest release."""
        for _ in range(limit):
            if holds(self.release):
                return self.release
            self.step(**step)
        raise AssertionError(f"it never came to hold: {self.release}")

    def finish(self, **step):
        """Steps until the newest release has ended, and some more."""
        self.until(lambda one: one.state == "ended", **step)
        for _ in range(6):
            self.step(**step)
        return self.release

    @property
    def release(self):
        """The newest release."""
        return self.ledger.all(Release)[-1]

    @property
    def weights(self):
        """The route in force, by version."""
        return {one.version: one.weight for one in self.router.routes[-1].backends}

    @property
    def running(self):
        """The versions of the containers that run."""
        return sorted(
            int(one.labels["sealift.version"])
            for one in self.engine.containers.values()
            if one.running
        )

    def reached(self):
        """Whether every address of the route is that of a container of that version."""
        return all(
            self.version_at(int(url.rpartition(":")[2])) == one.version
            for one in self.router.routes[-1].backends
            for url in one.urls
        )

    def counted(self, release):
        """What the audit of a release must say: the requests under its generations till its end."""
        under = [
            one
            for one in self.sent
            if str(one.generation) in release.shares and one.at <= (release.ended or 1e12)
        ]
        versions = sorted({one.version for one in under})
        return {str(key): sum(one.version == key for one in under) for key in versions}


def first(folder, **settings):
    """A world in which version 1 serves."""
    world = World(folder, **settings)
    world.ask(1)
    world.finish()
    world.time += 10
    return world


__all__ = ["Crash", "World", "first", "request_for"]
