"""What a person asks for is done in every state, and nothing that was asked for is lost."""

import msgspec
import pytest
from releasing import World, first

from sealift.record.release import Release


def test_nothing_happens_while_no_release_is_asked_for(tmp_path):
    """The promoted version stays, alone."""
    world = first(tmp_path)
    before, routes = list(world.engine.containers), world.weights
    for _ in range(20):
        world.step()
    assert list(world.engine.containers) == before
    assert world.weights == routes
    assert world.release.id == "r1"


def test_a_rollback_before_the_beginning_cancels(tmp_path):
    """No container of the candidate was ever started."""
    world = first(tmp_path)
    world.ask(2, wish="rollback")
    release = world.finish()

    assert release.outcome == "cancelled"
    assert release.events[-1].what == "Cancelled: model 1 serves."
    assert world.running == [1]
    assert world.weights == {1: 1000}


def test_a_promotion_that_was_asked_for_at_once_skips_the_stages(tmp_path):
    """The candidate must still become ready."""
    world = first(tmp_path)
    world.ask(2, wish="promote")
    release = world.finish()

    assert release.outcome == "promoted"
    assert list(release.shares.values()) == [1.0]
    assert world.running == [2]


@pytest.mark.parametrize(
    ("state", "wish", "outcome"),
    [
        ("starting", "promote", "promoted"),
        ("starting", "rollback", "cancelled"),
        ("observing", "promote", "promoted"),
        ("observing", "rollback", "rolled-back"),
        ("promoting", "promote", "promoted"),
        ("promoting", "rollback", "rolled-back"),
        ("rolling-back", "rollback", "rolled-back"),
        ("rolling-back", "promote", "rolled-back"),
    ],
)
def test_a_person_may_end_a_canary_in_any_state(tmp_path, state, wish, outcome):
    """One that goes back already goes back to the end."""
    world = first(tmp_path)
    begin = len(world.sent)
    if state == "rolling-back":
        world.broken.add(2)
    world.ask(2)
    world.until(lambda one: one.state == state)
    world.wish(wish)
    release = world.finish()

    version = 2 if outcome == "promoted" else 1
    assert release.outcome == outcome
    assert world.weights == {version: 1000}
    assert world.running == [version]
    assert release.audit.by_version == world.counted(release)
    if state != "rolling-back":
        assert {one.status for one in world.sent[begin:]} == {200}


def test_a_rollback_of_the_first_release_leaves_no_version(tmp_path):
    """There is none to go back to; the address answers 503."""
    world = World(tmp_path)
    world.ask(1)
    world.until(lambda one: one.state == "promoting")
    world.wish("rollback")
    release = world.finish()

    assert release.outcome == "rolled-back"
    assert world.weights == {}
    assert world.running == []
    assert world.sent[-1].status == 503


def test_a_rollback_that_comes_with_the_end_is_not_lost(tmp_path):
    """The wish arrives after the controller has looked, and before it has written."""
    world = first(tmp_path)
    world.ask(2, strategy="blue-green")
    amend = world.ledger.amend
    world.until(lambda one: one.state == "promoting")

    def late(kind, key, change):
        world.ledger.amend = amend
        world.wish("rollback")
        return amend(kind, key, change)

    world.ledger.amend = late
    release = world.finish()

    assert release.outcome == "rolled-back"
    assert world.weights == {1: 1000}
    assert world.running == [1]


def test_a_failure_stays_one_when_a_rollback_is_asked_for_too_late(tmp_path):
    """The outcome is what made the candidate go back."""
    world = first(tmp_path)
    world.mortal.add(2)
    world.ask(2)
    world.until(lambda one: one.state == "rolling-back")
    world.wish("rollback")

    assert world.finish().outcome == "failed"


def test_releases_are_done_one_after_another(tmp_path):
    """The second is compared with what the first has left."""
    world = first(tmp_path)
    world.ask(2, strategy="blue-green")
    world.time += 0.01
    world.ask(3, strategy="blue-green")
    world.finish()

    second, third = (world.ledger.get(Release, name) for name in ("r2", "r3"))
    assert (second.outcome, third.outcome) == ("promoted", "promoted")
    assert third.previous == 2
    assert third.began >= second.ended
    assert world.running == [3]


def test_releases_of_another_service_are_nobody_s_business(tmp_path):
    """A ledger may hold several."""
    world = first(tmp_path)
    other = msgspec.structs.replace(world.release, id="x", service="other", version=9)
    world.ledger.save(msgspec.structs.replace(other, state="planned", outcome=None))
    for _ in range(5):
        world.step()
    assert world.ledger.get(Release, "x").state == "planned"
    assert world.running == [1]
