"""A release's evidence and audit, worked out anew from the observations behind its beginning."""

import pytest
from msgspec.structs import replace
from releasing import request_for

from sealift.errors import UsageError
from sealift.record.observation import RequestSeen
from sealift.release import transitions
from sealift.release.replay import PAGE, PAGES, Replay, last_request, last_scored
from sealift.testing.ledger import MemoryObservations


def seen(number, *, generation=2, version=2, status=200):
    """One request."""
    return RequestSeen(
        at=float(number), generation=generation, version=version, status=status, seconds=0.01
    )


def observed(requests):
    """Observations that hold these."""
    made = MemoryObservations()
    made.add(cursors={}, requests=requests)
    return made


class Gaps:
    """Observations whose serial numbers have gaps, as those of a database may."""

    def __init__(self, serials):
        self._serials = sorted(serials)

    def requests(self, *, after=0, limit=10_000):
        """Those behind a number."""
        return [(one, seen(one)) for one in self._serials if one > after][:limit]

    scored = requests


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 31, 100, 1025])
def test_the_newest_serial_number_is_found(count):
    """However many there are, without reading them all."""
    assert last_request(observed([seen(one) for one in range(count)])) == count
    assert last_scored(observed([])) == 0


@pytest.mark.parametrize("serials", [[5], [1, 2, 1000], [999_999], range(3, 900, 7)])
def test_gaps_in_the_serial_numbers_do_not_matter(serials):
    """The newest one is found all the same."""
    assert last_request(Gaps(serials)) == max(serials)
    assert last_scored(Gaps(serials)) == max(serials)


def test_only_requests_under_the_release_s_own_routes_count():
    """Neither those before its first change nor those of another generation."""
    release = replace(
        request_for(2, at=0.0), previous=1, shares={"2": 0.2, "3": 0.5}, first_request=2
    )
    log = [
        seen(1),
        seen(2),
        seen(3, generation=1, version=1),
        seen(4),
        seen(5, version=1),
        seen(6, generation=3, status=502),
        seen(7, generation=3, version=0, status=0),
        seen(8, generation=9),
    ]
    replay = Replay(release, None)

    assert replay.read(observed(log), release)
    assert replay.audit.requests == 4
    assert replay.audit.failed == 2
    assert replay.audit.by_version == {"0": 1, "1": 1, "2": 2}


def test_much_to_read_is_read_in_pieces():
    """No tick takes for ever, and nothing is read twice."""
    release = replace(request_for(2, at=0.0), previous=1, shares={"2": 1.0})
    count = PAGE * PAGES + 1
    log = observed([seen(one) for one in range(count)])
    replay = Replay(release, None)

    assert not replay.read(log, release)
    assert replay.read(log, release)
    assert replay.read(log, release)
    assert replay.audit.requests == count


@pytest.mark.parametrize("share", [0.01, 0.1, 0.125, 0.333, 0.5, 0.99, 1.0])
def test_the_weights_are_the_share_that_the_record_names(share):
    """Always a thousand parts in all; a version without a part is not in the route."""
    release = replace(
        request_for(2, at=0.0), previous=1, generation=4, shares={"3": 0.7, "4": share}
    )
    weights = transitions.weights(release)

    assert sum(weights.values()) == transitions.PARTS
    assert weights[2] == round(share * 1000)
    assert all(weights.values())


def test_a_wish_is_told_and_refused_when_it_comes_too_late():
    """Nobody believes in a rollback that will not happen."""
    release = replace(request_for(2, at=0.0), state="observing")
    asked = transitions.ask(release, "rollback", by="ada", now=1.0)
    assert asked.request == "rollback"
    assert asked.events[-1].what == "ada asked for model 2 to be rolled back."
    with pytest.raises(UsageError, match="has ended"):
        transitions.ask(replace(release, state="ended"), "rollback", by="ada", now=1.0)
    with pytest.raises(UsageError, match="being rolled back"):
        transitions.ask(replace(release, state="rolling-back"), "promote", by="ada", now=1.0)
