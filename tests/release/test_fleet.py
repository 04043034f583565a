"""The fleet finds its replicas again, brings the dead ones back, and touches nobody else's."""

import pytest

from sealift.errors import MachineError
from sealift.folders import Folders
from sealift.record.container import ContainerSpec
from sealift.release.fleet import SILENCE, START, Fleet
from sealift.testing.engine import MemoryEngine

IMAGE = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


class Doors:
    """A probe: which ports answer, which have a connection open, which are taken."""

    def __init__(self):
        self.open, self.talking, self.taken = set(), set(), set()
        self._next = 50_000

    def ready(self, port, path):
        """Whether the test says so."""
        return port in self.open

    def idle(self, port):
        """Whether nobody talks to it."""
        return port not in self.talking

    def port(self, wanted):
        """The wanted one if it is free."""
        self._next += 1
        return wanted if wanted and wanted not in self.taken else self._next


class Yard:
    """An engine, a probe and a clock; each call of ``fleet`` is another process."""

    def __init__(self, folder):
        self.engine = MemoryEngine()
        self.doors = Doors()
        self.time = 0.0
        self.folders = Folders(folder)

    def fleet(self, service="svc"):
        """A fleet that knows nothing yet."""
        return Fleet(
            self.engine,
            service=service,
            folders=self.folders,
            probe=self.doors,
            monotonic=lambda: self.time,
        )

    def containers(self, version=1):
        """The containers of a version."""
        return self.engine.find({"sealift.version": str(version)})

    def ports(self, version=1):
        """Where they listen."""
        return [int(one.labels["sealift.port"]) for one in self.containers(version)]


@pytest.fixture
def yard(tmp_path):
    """An empty one."""
    return Yard(tmp_path)


def well(yard, fleet, version=1, **more):
    """A version that runs and answers."""
    fleet.ensure(version, IMAGE, **more)
    yard.doors.open.update(yard.ports(version))
    return fleet.ensure(version, IMAGE, **more)


def test_a_replica_is_listed_once_it_has_been_ready(yard):
    """Nobody is sent to a server that is still loading its model."""
    fleet = yard.fleet()
    assert fleet.ensure(1, IMAGE).urls == ()
    assert not fleet.ensure(1, IMAGE).ready
    standing = well(yard, fleet)
    assert standing.ready
    assert standing.urls == (f"http://127.0.0.1:{yard.ports()[0]}",)


def test_another_process_adopts_what_runs(yard):
    """Nothing is started twice, and the addresses stay."""
    before = well(yard, yard.fleet(), replicas=2)
    containers = yard.containers()

    after = yard.fleet().ensure(1, IMAGE, replicas=2)

    assert after == before
    assert yard.containers() == containers


def test_a_dead_replica_comes_back_at_its_address(yard):
    """It stays listed meanwhile: the router waits for it."""
    fleet = yard.fleet()
    before = well(yard, fleet)
    port = yard.ports()[0]
    dead = yard.containers()[0]
    yard.engine.crash(dead)
    yard.doors.open.clear()

    standing = fleet.ensure(1, IMAGE)

    assert standing.urls == before.urls
    assert not standing.ready
    assert standing.deaths == 1
    assert yard.ports() == [port]
    assert yard.containers()[0].id != dead.id


def test_a_replica_that_died_with_its_keeper_comes_back_at_its_address(yard):
    """The address is in the label of the dead container."""
    before = well(yard, yard.fleet())
    port = yard.ports()[0]
    yard.engine.crash(yard.containers()[0])

    fleet = yard.fleet()
    fleet.ensure(1, IMAGE)

    assert yard.ports() == [port]
    assert fleet.ensure(1, IMAGE).urls == before.urls


def test_a_port_that_somebody_took_is_given_up(yard):
    """A replica at another address is listed only once it answers there."""
    fleet = yard.fleet()
    well(yard, fleet)
    port = yard.ports()[0]
    yard.engine.crash(yard.containers()[0])
    yard.doors.open.clear()
    yard.doors.taken.add(port)

    standing = fleet.ensure(1, IMAGE)

    assert standing.urls == ()
    assert yard.ports() != [port]


def test_a_replica_that_hangs_is_replaced_after_a_minute(yard):
    """It runs, but has not answered for that long."""
    fleet = yard.fleet()
    well(yard, fleet)
    first = yard.containers()[0]
    yard.doors.open.clear()
    yard.time += SILENCE - 1
    assert fleet.ensure(1, IMAGE).deaths == 0
    yard.time += 2

    assert fleet.ensure(1, IMAGE).deaths == 1
    assert [one.id for one in yard.containers()] != [first.id]


def test_a_replica_that_loads_for_minutes_is_not_taken_for_hung(yard):
    """Neither the first one nor one that comes after a crash."""
    fleet = yard.fleet()
    fleet.ensure(1, IMAGE)
    yard.time += START - 1
    assert fleet.ensure(1, IMAGE).deaths == 0
    well(yard, fleet)
    yard.engine.crash(yard.containers()[0])
    yard.doors.open.clear()
    fleet.ensure(1, IMAGE)
    yard.time += START - 1

    assert fleet.ensure(1, IMAGE).deaths == 1


def test_one_that_dies_again_and_again_is_started_less_and_less_often(yard):
    """The machine is not kept busy by starts in vain."""
    fleet = yard.fleet()
    starts = set()
    for _ in range(600):
        fleet.ensure(1, IMAGE)
        for one in yard.containers():
            starts.add(one.id)
            if one.running:
                yard.engine.crash(one)
        yard.time += 0.2
    assert 5 < len(starts) < 15


def test_more_or_fewer_replicas_are_started_or_stopped(yard):
    """Those that stay are not touched."""
    fleet = yard.fleet()
    assert len(well(yard, fleet, replicas=3).urls) == 3
    kept = yard.containers()[:1]
    assert len(fleet.ensure(1, IMAGE, replicas=1).urls) == 1
    assert yard.containers() == kept


def test_what_runs_another_image_under_the_same_version_is_not_adopted(yard):
    """A version is what its digest says."""
    well(yard, yard.fleet())
    yard.fleet().ensure(1, OTHER)
    assert [one.image for one in yard.containers()] == [OTHER]


def test_stopping_the_others_leaves_what_is_kept_and_what_is_not_ours(yard):
    """Neither another service of the project nor another project's is touched."""
    fleet = yard.fleet()
    for version in (1, 2, 3):
        well(yard, fleet, version)
    yard.fleet("other").ensure(1, IMAGE)
    foreign = Fleet(
        yard.engine,
        service="svc",
        folders=Folders(yard.folders.root / "elsewhere"),
        probe=yard.doors,
    )
    foreign.ensure(1, IMAGE)
    check = yard.engine.start(
        ContainerSpec(
            name="check",
            image=IMAGE,
            argv=("x",),
            labels={"sealift.project": str(yard.folders.root)},
            log="log",
        )
    )
    strangers = {one.id for one in yard.containers(1)[1:]} | {check.id}
    assert len(strangers) == 3

    fleet.stop_others([2])

    left = {one.id for one in yard.engine.containers.values()}
    assert left == strangers | {yard.containers(2)[0].id}


def test_a_version_is_idle_when_nobody_talks_to_any_of_its_replicas(yard):
    """One connection is enough."""
    fleet = yard.fleet()
    well(yard, fleet, replicas=2)
    assert fleet.idle(1)
    yard.doors.talking.add(yard.ports()[1])
    assert not fleet.idle(1)
    assert fleet.idle(7)


def test_a_version_that_was_stopped_begins_anew(yard):
    """Its deaths are forgotten."""
    fleet = yard.fleet()
    well(yard, fleet)
    yard.engine.crash(yard.containers()[0])
    yard.doors.open.clear()
    assert fleet.ensure(1, IMAGE).deaths == 1
    fleet.stop(1)
    assert yard.containers() == []
    assert fleet.ensure(1, IMAGE).deaths == 0


def test_a_full_disk_is_an_error_that_names_the_folder(yard):
    """The folder of the records cannot be made."""
    yard.folders.state.mkdir()
    yard.folders.records.write_text("not a folder")
    with pytest.raises(MachineError, match="records"):
        yard.fleet().ensure(1, IMAGE)
    assert yard.engine.containers == {}


def test_replicas_have_records_and_addresses_of_their_own(yard):
    """Two servers never write the same file."""
    specs = []
    start = yard.engine.start

    def kept(spec):
        specs.append(spec)
        return start(spec)

    yard.engine.start = kept
    yard.fleet().ensure(1, IMAGE, replicas=2)

    assert len({one.mounts[0].source for one in specs}) == 2
    assert len({one.env["SEALIFT_PORT"] for one in specs}) == 2
    assert all(one.env["SEALIFT_HOST"] == "127.0.0.1" for one in specs)
