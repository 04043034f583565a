"""A candidate that fails never harms the version before it."""

import pytest
from releasing import World, first

from sealift.errors import SealiftError


@pytest.mark.parametrize("strategy", ["blue-green", "canary"])
def test_a_candidate_that_is_never_ready_fails(tmp_path, strategy):
    """It gets its time, and never a request."""
    world = first(tmp_path)
    begin = len(world.sent)
    world.replicas.silent.add(2)
    world.ask(2, strategy=strategy)
    since = world.time
    release = world.finish(seconds=5.0)

    assert release.outcome == "failed"
    assert release.ended - since > 170
    assert release.shares == {}
    assert {(one.version, one.status) for one in world.sent[begin:]} == {(1, 200)}
    assert world.weights == {1: 1000}
    assert world.running == [1]


def test_a_candidate_that_takes_two_minutes_to_start_is_given_them(tmp_path):
    """It is not taken for hung: it has never answered."""
    world = first(tmp_path)
    world.replicas.silent.add(2)
    world.ask(2, strategy="blue-green")
    for _ in range(24):
        world.step(seconds=5.0)
    world.replicas.silent.clear()
    release = world.finish()

    assert release.outcome == "promoted"
    assert sum(name.startswith("svc-v2-") for name in world.started) == 1


@pytest.mark.parametrize("trouble", ["mortal", "unstartable"])
def test_a_candidate_that_dies_three_times_fails(tmp_path, trouble):
    """The reason is in the diary."""
    world = first(tmp_path)
    begin = len(world.sent)
    getattr(world, trouble).add(2)
    world.ask(2)
    release = world.finish()

    assert release.outcome == "failed"
    assert "died 3 times" in release.events[-2].what
    assert {(one.version, one.status) for one in world.sent[begin:]} == {(1, 200)}
    assert world.running == [1]


def test_the_first_release_of_all_may_fail(tmp_path):
    """Then no model serves."""
    world = World(tmp_path)
    world.mortal.add(1)
    world.ask(1)
    release = world.finish()

    assert release.outcome == "failed"
    assert release.events[-1].what == "Failed: no model serves."
    assert world.running == []


def test_a_canary_that_dies_under_traffic_fails(tmp_path):
    """Its container is started again at the same address, twice."""
    world = first(tmp_path)
    world.ask(2, guard={"errors": {"margin": "99%"}}, stage_requests=10_000)
    world.until(lambda one: one.state == "observing")
    world.mortal.add(2)
    release = world.finish(requests=1)

    assert release.outcome == "failed"
    assert world.weights == {1: 1000}
    assert world.running == [1]


def test_a_version_that_dies_with_the_switch_is_not_promoted(tmp_path):
    """The old one runs until the new one has been seen to stay."""
    world = first(tmp_path)
    world.ask(2, strategy="blue-green")
    world.until(lambda one: one.state == "promoting")
    world.step()
    world.mortal.add(2)
    release = world.finish()

    assert release.outcome == "failed"
    assert world.weights == {1: 1000}
    assert world.running == [1]


def test_a_canary_that_was_held_and_dies_has_failed(tmp_path):
    """It was undecided before, but that is not why it ends."""
    world = first(tmp_path)
    world.ask(2, limit=5, undecided="hold")
    world.until(lambda one: bool(one.events) and "Held" in one.events[-1].what, requests=0)
    world.mortal.add(2)

    assert world.finish(requests=0).outcome == "failed"


def test_an_engine_that_does_not_answer_for_a_while_rolls_nothing_back(tmp_path):
    """A canary that serves well is not dead because nobody could look."""
    world = first(tmp_path)
    world.ask(2, stage_requests=200)
    world.until(lambda one: one.state == "observing")
    world.engine_down = True
    world.restart()
    for _ in range(30):
        try:
            world.step()
        except SealiftError:
            continue
    world.engine_down = False

    assert world.finish().outcome == "promoted"


def test_a_release_mends_what_a_broken_stable_version_left(tmp_path):
    """The old version cannot be started any more; the new one can."""
    world = first(tmp_path)
    world.unstartable.add(1)
    world.mortal.add(1)
    world.ask(2, strategy="blue-green")
    for _ in range(60):
        try:
            world.step()
        except SealiftError:
            continue

    assert world.release.outcome == "promoted"
    assert world.weights == {2: 1000}
    assert world.running == [2]


def test_the_promoted_version_is_kept_alive_between_releases(tmp_path):
    """It comes back at its address."""
    world = first(tmp_path)
    route = world.router.routes[-1]
    for one in list(world.engine.containers.values()):
        world.engine.crash(one)
    for _ in range(5):
        world.step()
    assert world.running == [1]
    assert world.router.routes[-1] == route
    assert world.sent[-1].status == 200


def test_a_route_that_cannot_be_put_in_force_is_tried_again(tmp_path):
    """Until then the record says what is wanted, and the old route stays."""
    world = first(tmp_path)
    world.ask(2, strategy="blue-green")
    world.until(lambda one: one.state == "promoting")
    world.router.stop()
    with pytest.raises(SealiftError):
        world.step()
    assert world.weights == {1: 1000}
    world.router.start()

    assert world.finish().outcome == "promoted"
    assert world.weights == {2: 1000}


def test_a_version_that_somebody_talks_to_is_not_stopped(tmp_path):
    """Not before a minute and a half, at least."""
    world = first(tmp_path)
    world.replicas.busy.add(1)
    world.ask(2, strategy="blue-green")
    world.until(lambda one: one.state == "promoting")
    since = world.time
    release = world.finish(seconds=1.0)

    assert release.outcome == "promoted"
    assert 85 < release.ended - since < 95
    assert world.running == [2]


@pytest.mark.parametrize("state", ["starting", "observing", "promoting", "rolling-back", "ended"])
def test_a_power_cut_in_any_state_only_costs_time(tmp_path, state):
    """No container runs, the route is gone, and the controller knows nothing."""
    world = first(tmp_path)
    if state == "rolling-back":
        world.broken.add(2)
    world.ask(2)
    world.until(lambda one: one.state == state)
    world.power_cut()
    release = world.finish()

    version = 1 if state == "rolling-back" else 2
    assert release.outcome == ("promoted" if version == 2 else "rolled-back")
    assert world.weights == {version: 1000}
    assert world.running == [version]
    assert world.reached()
    assert world.sent[-1].status == 200
    assert release.audit.by_version == world.counted(release)


def test_a_power_cut_is_no_evidence_against_the_candidate(tmp_path):
    """While it starts anew, the stable version has all the traffic."""
    world = first(tmp_path)
    world.ask(2, stage_requests=200)
    world.until(lambda one: one.state == "observing")
    world.power_cut()
    world.replicas.silent.add(2)
    for _ in range(20):
        world.step()
    assert world.weights == {1: 1000}
    world.replicas.silent.clear()
    release = world.finish()

    assert release.outcome == "promoted"
    assert release.audit.failed == 0


@pytest.mark.parametrize(("stages", "after"), [([20, 50], [0.2, 0.5, 1.0]), ([20], [0.2, 1.0])])
def test_a_canary_that_is_not_there_gets_no_share_for_what_it_did_before(tmp_path, stages, after):
    """What is collected only then is enough for the next stage, or for all the traffic."""
    world = first(tmp_path)
    world.ask(2, stages=stages)
    world.until(lambda one: one.state == "observing")
    world.behind = True
    for _ in range(80):
        world.step()
    world.power_cut()
    world.replicas.silent.add(2)
    world.until(lambda one: 0.0 in one.shares.values())
    world.behind = False
    for _ in range(20):
        world.step()
    assert [*world.release.shares.values()] == [0.2, 0.0]
    world.replicas.silent.clear()
    release = world.finish()

    assert release.outcome == "promoted"
    assert [*release.shares.values()] == [0.2, 0.0, *after]


def test_a_release_ends_only_once_all_its_requests_are_collected(tmp_path):
    """A controller that comes late finds a long log; the audit is whole all the same."""
    world = first(tmp_path)
    world.ask(2, strategy="blue-green")
    world.until(lambda one: one.state == "promoting")
    world.behind = True
    for _ in range(30):
        world.step()
    assert world.release.state == "promoting"
    world.behind = False
    release = world.finish()

    assert release.outcome == "promoted"
    assert release.audit.by_version == world.counted(release)
    assert release.audit.requests >= 300


@pytest.mark.parametrize("state", ["starting", "observing"])
def test_a_way_back_to_a_version_that_is_gone_ends(tmp_path, state):
    """What serves goes on, and another model may be released."""
    world = first(tmp_path)
    world.ask(2)
    if state == "starting":
        world.replicas.silent.add(2)
    world.until(lambda one: one.state == state)
    world.step()
    world.unstartable.add(1)
    world.mortal.add(1)
    world.wish("rollback")
    for _ in range(60):
        try:
            world.step(seconds=5.0)
        except SealiftError:
            continue
    release = world.release

    assert release.state == "ended"
    assert "does not come back" in release.events[-1].what
    assert release.audit.by_version == world.counted(release)
    assert world.running == [2]

    world.ask(3, strategy="blue-green")
    for _ in range(60):
        try:
            world.step()
        except SealiftError:
            continue
    assert world.release.outcome == "promoted"
    assert world.running == [3]
    assert world.weights == {3: 1000}
