"""Another person, with another ledger, sees and ends a release of a real cluster."""

import pytest
from real_cluster import until
from real_traffic import Traffic

CANARY = ("release", "--env", "production", "-m", "2")


@pytest.fixture(scope="module")
def another(slopes, project):
    """The project as somebody else has it, who never trained, packaged or released anything."""
    return project("slopes", name=slopes.name)


@pytest.fixture
def second(another, monkeypatch):
    """That person at work."""
    monkeypatch.setenv("LOGNAME", "second")
    return another


def first_share(load, begun):
    """Wait until the canary answers."""
    until(
        lambda: load.of(2) >= 10 or begun.child.poll() is not None,
        "model 2 answers",
        lambda: begun.said,
    )
    assert begun.child.poll() is None, begun.said


@pytest.mark.parametrize("alive", [True, False], ids=["that goes on", "that was killed"])
def test_a_second_person_rolls_a_release_back(serving, second, alive):
    """Who began it is told, if alive; under load no request is lost."""
    with (
        Traffic(serving.place.address, serving.host) as load,
        serving.begun(*CANARY, LOGNAME="first") as begun,
    ):
        first_share(load, begun)
        if not alive:
            begun.kill()
        seen = second.there()
        ended = second.answer("rollback", "--env", "production")
        if alive:
            assert begun.ended() == 9
            assert "Somebody else moved the requests" in begun.said
            assert "second@" in begun.said
        until(lambda: load.of(1) > 2 * load.of(2), "model 1 answers")

    assert seen["holder"].startswith("first@")
    assert (seen["release"]["version"], seen["release"]["state"]) == (2, "observing")
    assert ended["outcome"] == "rolled-back"
    assert load.bad == []
    assert serving.shares() == second.shares() == {1: 1000}
    assert serving.there()["release"]["state"] == "ended"


def test_a_second_release_is_refused_with_the_name_of_the_first(serving):
    """While the first goes on; then it is ended."""
    with (
        Traffic(serving.place.address, serving.host) as load,
        serving.begun(*CANARY, LOGNAME="first") as begun,
    ):
        first_share(load, begun)
        refused = serving.run("release", "--env", "production", "-m", "3", status=9)
        serving.run("rollback", "--env", "production")
        assert begun.ended() == 9

    assert "of model 2 by first@" in refused.stderr
    assert "is in progress" in refused.stderr
    assert load.bad == []
