"""Releases on a real cluster under load: every answer is accounted for by version, none is lost."""

from real_cluster import until
from real_traffic import Traffic

CANARY = ("release", "--env", "production", "--json", "-m")


def traffic(project, **more):
    """Requests for a project's service."""
    return Traffic(project.place.address, project.host, **more)


def test_all_requests_move_at_once_and_none_is_lost(serving):
    """Blue-green: from the end of the command on nothing but the new model answers; and back."""
    with traffic(serving) as load:
        until(lambda: load.of(1) > 50, "model 1 answers")
        serving.served(2)
        moved = load.now()
        until(lambda: load.of(2) > moved[2, 200] + 100, "model 2 answers")
        assert load.of(1) - moved[1, 200] <= 2, "but what was on its way"
        serving.served(1)
        until(lambda: load.of(1) > moved[1, 200] + 50, "model 1 answers again")

    assert load.bad == []
    assert serving.shares() == {1: 1000}


def test_a_canary_is_rolled_back_by_a_person_in_the_middle(serving):
    """Requests go back within seconds, and the record counts what the new model answered."""
    with traffic(serving) as load, serving.begun(*CANARY, "2") as begun:
        begun.until("20% of the traffic")
        until(lambda: load.of(2) >= 20, "the canary answers")
        ended = serving.answer("rollback", "--env", "production")
        assert begun.ended() != 0
        assert "not promoted (rolled-back)" in begun.said
        back = load.of(2)
        until(lambda: load.of(1) > 2 * load.of(2), "model 1 answers")
        assert load.of(2) - back <= 2, "but what was on its way"

    assert load.bad == []
    assert ended["outcome"] == "rolled-back"
    assert 20 <= ended["audit"]["by_version"]["2"] <= load.of(2)
    assert serving.shares() == {1: 1000}


def test_a_model_that_fails_in_service_is_turned_back_by_the_judge(serving):
    """What no check saw: each fifth request is one that model 3 cannot answer."""
    with traffic(serving, odd=5) as load:
        ended = serving.run(*CANARY, "3", status=9)
        seen = load.now()
        until(lambda: load.of(1) > seen[1, 200] + 100, "model 1 answers")

    assert "rolled-back" in ended.stderr
    assert "errors" in ended.stderr
    assert load.lost == []
    assert {who for who, status in load.seen if status != 200} == {3}
    assert load.of(3, 500) >= 3
    assert load.of(3) == seen[3, 200] + seen[3, 500]
    assert serving.shares() == {1: 1000}
    until(lambda: [one["model"] for one in serving.there()["versions"]] != [1, 3], "model 3 ends")


def test_a_release_that_was_killed_goes_on_and_is_promoted(serving):
    """Under load: the requests stay as they were shared, and the evidence counts on."""
    with traffic(serving) as load:
        with serving.begun(*CANARY, "2") as begun:
            until(lambda: load.of(2) >= 10, "the canary answers")
            begun.kill()
        before = load.of(2)
        until(lambda: load.of(2) >= before + 10, "the canary goes on answering")
        release = serving.there()["release"]
        ended = serving.answer(*CANARY[:3], "-m", "2")["release"]

    assert load.bad == []
    assert (ended["id"], ended["outcome"]) == (release["id"], "promoted")
    assert [share for _, share in sorted(ended["shares"].items())] == [0.2, 0.5, 1.0]
    assert serving.shares() == {2: 1000}


def test_a_canary_whose_servers_somebody_removed_comes_back(serving, cluster):
    """It gets no requests until it is ready again; nobody else's answers change."""
    with traffic(serving) as load, serving.begun(*CANARY, "2") as begun:
        until(lambda: load.of(2) >= 10 or begun.child.poll() is not None, "the canary answers")
        cluster.remove(f"{serving.name}-v2")
        assert begun.ended() == 0, begun.said

    assert "is not there; it gets no traffic until it is ready" in begun.said
    assert load.lost == []
    assert {status for _, status in load.seen} <= {200, 502, 503}
    assert {who for who, status in load.seen if status != 200} <= {0}
    assert serving.shares() == {2: 1000}
