"""The controller takes every release to its end, and the world is then as the record says."""

import pytest
from releasing import World, first


def test_the_first_release_takes_all_the_traffic(tmp_path):
    """There is nothing to compare it with."""
    world = World(tmp_path)
    world.step()
    assert world.weights == {}
    assert world.sent[-1].status == 503

    world.ask(1)
    release = world.finish()

    assert release.outcome == "promoted"
    assert world.weights == {1: 1000}
    assert world.running == [1]
    assert world.reached()
    assert release.audit.by_version == world.counted(release)


def test_blue_green_switches_at_once_and_nobody_notices(tmp_path):
    """The old version is stopped once nobody talks to it."""
    world = first(tmp_path)
    begin = len(world.sent)
    world.ask(2, strategy="blue-green")
    release = world.finish()

    assert release.outcome == "promoted"
    assert list(release.shares.values()) == [1.0]
    assert world.weights == {2: 1000}
    assert world.running == [2]
    assert {one.status for one in world.sent[begin:]} == {200}
    assert release.audit.by_version == world.counted(release)


def test_a_canary_that_is_not_worse_is_promoted_by_stages(tmp_path):
    """Each share is in the record before it is in the router."""
    world = first(tmp_path)
    begin = len(world.sent)
    world.ask(2)
    release = world.finish()

    assert release.outcome == "promoted"
    assert list(release.shares.values()) == [0.2, 0.5, 1.0]
    assert release.verdict.decision == "promote"
    assert world.weights == {2: 1000}
    assert world.running == [2]
    assert {one.status for one in world.sent[begin:]} == {200}
    assert release.audit.by_version == world.counted(release)
    assert set(release.audit.by_version) == {"1", "2"}


def test_a_canary_that_fails_requests_is_rolled_back(tmp_path):
    """The stable version was never touched."""
    world = first(tmp_path)
    world.broken.add(2)
    before = list(world.engine.containers)
    world.ask(2)
    release = world.finish()

    assert release.outcome == "rolled-back"
    assert release.verdict.decision == "rollback"
    assert world.weights == {1: 1000}
    assert world.running == [1]
    assert list(world.engine.containers) == before
    assert release.audit.by_version == world.counted(release)
    assert release.audit.failed == sum(
        one.status == 500 for one in world.sent if str(one.generation) in release.shares
    )


def test_a_canary_without_evidence_goes_back_at_the_limit(tmp_path):
    """Undecided is an outcome of its own."""
    world = first(tmp_path)
    world.ask(2, limit=20)
    release = world.finish(requests=0)

    assert release.outcome == "undecided"
    assert world.weights == {1: 1000}
    assert world.running == [1]


@pytest.mark.parametrize(
    ("wish", "outcome", "version"), [("promote", "promoted", 2), ("rollback", "rolled-back", 1)]
)
def test_a_canary_that_is_to_be_held_waits_for_a_person(tmp_path, wish, outcome, version):
    """It stays at its share, and says once that it is held."""
    world = first(tmp_path)
    world.ask(2, limit=20, undecided="hold")
    for _ in range(200):
        world.step(requests=0)
    assert world.release.state == "observing"
    assert world.weights == {1: 800, 2: 200}
    assert sum("Held" in event.what for event in world.release.events) == 1

    world.wish(wish)
    release = world.finish()

    assert release.outcome == outcome
    assert world.weights == {version: 1000}
    assert world.running == [version]
