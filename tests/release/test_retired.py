"""Whoever ends a replica notes it; of the logs only the last failed ones stay."""

import os

import pytest
from test_fleet import IMAGE, Yard, well

from sealift.folders import Folders
from sealift.retired import KEPT, MARK, SETTLED, lost, retire


@pytest.fixture
def yard(tmp_path):
    """An empty one."""
    return Yard(tmp_path)


def logged(yard):
    """The names of all replicas, each with a log as an engine would have written it."""
    yard.folders.live.mkdir(parents=True, exist_ok=True)
    names = [one.name for one in yard.engine.containers.values()]
    for name in names:
        (yard.folders.live / f"{name}.log").write_text("")
    return names


def marked(yard):
    """The replicas that are noted as ended."""
    return sorted(path.parent.name for path in yard.folders.records.glob(f"*/{MARK}"))


def logs(yard):
    """The logs that are left."""
    return sorted(path.stem for path in yard.folders.live.glob("*.log"))


def test_one_that_was_stopped_in_order_leaves_no_log(yard):
    """Its records stay until they were read."""
    fleet = yard.fleet()
    well(yard, fleet, replicas=2)
    names = sorted(logged(yard))

    fleet.stop(1)

    assert marked(yard) == names
    assert logs(yard) == []


def test_one_that_died_leaves_its_log(yard):
    """And its successor is not taken for ended."""
    fleet = yard.fleet()
    well(yard, fleet)
    (dead,) = logged(yard)
    yard.engine.crash(yard.containers()[0])
    yard.doors.open.clear()

    fleet.ensure(1, IMAGE)

    assert marked(yard) == logs(yard) == [dead]
    assert len(list(yard.folders.records.iterdir())) == 2


def test_one_that_never_became_ready_leaves_its_log(yard):
    """Whoever looks for the reason finds it there."""
    fleet = yard.fleet()
    fleet.ensure(1, IMAGE)
    names = logged(yard)

    fleet.stop(1)

    assert logs(yard) == names


def test_one_that_died_with_its_keeper_is_noted_by_the_next(yard):
    """It finds the container that has ended."""
    well(yard, yard.fleet())
    (dead,) = logged(yard)
    yard.engine.crash(yard.containers()[0])

    yard.fleet().ensure(1, IMAGE)

    assert marked(yard) == logs(yard) == [dead]


def test_the_logs_of_the_last_few_that_failed_stay(tmp_path):
    """The newest ones; no log of one that lives, and none that is not a replica's."""
    folders = Folders(tmp_path)
    folders.live.mkdir(parents=True)
    names = [f"svc-v1-{number:06x}" for number in range(KEPT + 3)]
    for at, name in enumerate(["svc-v2-aaaaaa", *names]):
        (folders.records / name).mkdir(parents=True)
        (folders.live / f"{name}.log").write_text("")
        os.utime(folders.live / f"{name}.log", (at, at))
    (folders.live / "controller.log").write_text("")
    os.utime(folders.live / "controller.log", (0, 0))

    for name in names:
        retire(folders, name, failed=True)

    left = {path.stem for path in folders.live.iterdir()}
    assert left == {"controller", "svc-v2-aaaaaa", *names[-KEPT:]}


def test_a_log_without_a_folder_of_records_is_that_of_one_that_ended(tmp_path):
    """The records were read and removed."""
    folders = Folders(tmp_path)
    folders.live.mkdir(parents=True)
    for number in range(KEPT + 1):
        (folders.live / f"svc-v1-{number:06x}.log").write_text("")
        os.utime(folders.live / f"svc-v1-{number:06x}.log", (number, number))

    retire(folders, "svc-v1-ffffff", failed=True)

    assert not (folders.live / "svc-v1-000000.log").exists()
    assert len(list(folders.live.iterdir())) == KEPT


def test_only_what_was_long_left_alone_is_taken_for_lost(tmp_path):
    """One that lives is not, nor one that is about to start, nor one that was noted."""
    folders = Folders(tmp_path)
    for name in ("living", "starting", "noted", "lost"):
        (folders.records / name).mkdir(parents=True)
    retire(folders, "noted", failed=True)
    long_ago = tmp_path.stat().st_mtime - SETTLED - 60
    for name in ("living", "noted", "lost"):
        os.utime(folders.records / name, (long_ago, long_ago))

    assert lost(folders, {"living"}) == ["lost"]


def test_a_replica_ends_where_nothing_can_be_noted(tmp_path):
    """A file is where the folder of the records should be."""
    folders = Folders(tmp_path)
    folders.state.mkdir()
    folders.records.write_text("")

    retire(folders, "svc-v1-000000", failed=True)

    assert folders.records.read_text() == ""
