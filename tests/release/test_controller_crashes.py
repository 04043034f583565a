"""A controller that dies before or after any effect is followed by one that does the rest."""

import pytest
from releasing import World, first


def _first(folder, crash_at):
    world = World(folder, crash_at=crash_at)
    world.ask(1)
    return world


def _blue_green(folder, crash_at):
    world = first(folder)
    world.crash_in(crash_at)
    world.ask(2, strategy="blue-green")
    return world


def _canary(folder, crash_at):
    world = first(folder)
    world.crash_in(crash_at)
    world.ask(2)
    return world


def _worse(folder, crash_at):
    world = first(folder)
    world.broken.add(2)
    world.crash_in(crash_at)
    world.ask(2)
    return world


def _undecided(folder, crash_at):
    world = first(folder)
    world.crash_in(crash_at)
    world.ask(2, limit=6, stage_requests=100_000)
    return world


def _held(folder, crash_at):
    world = first(folder)
    world.crash_in(crash_at)
    world.ask(2, limit=4, stage_requests=100_000, undecided="hold")
    world.later = ("observing", 12, "promote")
    return world


def _called_back(folder, crash_at):
    world = first(folder)
    world.crash_in(crash_at)
    world.ask(2, strategy="blue-green")
    world.later = ("promoting", 1, "rollback")
    return world


def _cancelled(folder, crash_at):
    world = first(folder)
    world.replicas.silent.add(2)
    world.crash_in(crash_at)
    world.ask(2)
    world.later = ("starting", 3, "rollback")
    return world


def _mortal(folder, crash_at):
    world = first(folder)
    world.mortal.add(2)
    world.crash_in(crash_at)
    world.ask(2)
    return world


STORIES = [
    _first,
    _blue_green,
    _canary,
    _worse,
    _undecided,
    _held,
    _called_back,
    _cancelled,
    _mortal,
]


def told(story, folder, crash_at):
    """A story to its end."""
    world = story(folder, crash_at)
    begin = len(world.sent)
    release = world.finish()
    return world, release, world.sent[begin:]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.strip("_"))
def test_a_crash_at_any_moment_changes_nothing_of_the_end(tmp_path, story):
    """Outcome, shares, route, containers and audit are those of a release without a crash."""
    whole, wanted, _ = told(story, tmp_path, None)
    moments = whole.moments
    assert moments > 20
    for crash_at in range(1, moments + 1):
        world, release, sent = told(story, tmp_path, crash_at)
        where = f"{story.__name__}, crash {crash_at} of {moments}"
        assert world.crashes == 1, where
        assert (release.state, release.outcome) == ("ended", wanted.outcome), where
        assert list(release.shares.values()) == list(wanted.shares.values()), where
        assert world.weights == whole.weights, where
        assert world.running == whole.running, where
        assert world.reached(), where
        assert release.audit.by_version == world.counted(release), where
        assert release.audit.requests == sum(release.audit.by_version.values()), where
        if not world.broken:
            assert {one.status for one in sent} <= {200, 503 if story is _first else 200}, where


@pytest.mark.parametrize("every", [34, 45, 56])
@pytest.mark.parametrize(
    "story", [_blue_green, _canary, _worse, _mortal], ids=lambda one: one.__name__
)
def test_a_controller_that_dies_again_and_again_gets_there(tmp_path, story, every):
    """Each one does a little, and none of it is lost."""
    whole, wanted, _ = told(story, tmp_path, None)
    world = story(tmp_path, None)
    world.crash_in(every)
    world.again = every
    release = world.finish(seconds=1.5)

    assert world.crashes >= (2 if story is _canary else 1)
    assert release.outcome == wanted.outcome
    assert world.weights == whole.weights
    assert world.running == whole.running
    assert world.reached()
    assert release.audit.by_version == world.counted(release)
