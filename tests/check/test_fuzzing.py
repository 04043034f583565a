"""The check that sends odd requests sends the same ones everywhere."""

import time

import msgspec

from sealift.check import fuzz, starts


class Slow:
    """A server that answers later, and what it was sent."""

    def __init__(self, target, delay):
        self.subject, self.bodies = target.subject, []
        self._target, self._delay = target, delay

    def post(self, path, value):
        """The answer, after a while."""
        self.bodies.append(msgspec.json.encode(value))
        time.sleep(self._delay)
        return self._target.post(path, value)


def test_fuzzing_sends_the_same_requests_however_slow_the_server_is(world):
    """A count ends it, not the time."""
    with world.target() as target:
        target.start()
        assert not [one for one in starts.CHECK.findings(target) if one.severity == "error"]
        servers = Slow(target, 0.0), Slow(target, 0.001)
        found = [list(fuzz.CHECK.findings(server)) for server in servers]

    assert found[0] == found[1]
    assert servers[0].bodies == servers[1].bodies
    assert len(servers[0].bodies) == fuzz.COUNT + 1
    assert len(set(servers[0].bodies)) > 900


def test_fuzzing_says_so_where_its_time_is_over_first(world):
    """A warning: what was sent was answered well."""
    with world.target() as target:
        target.start()
        list(starts.CHECK.findings(target))
        found = list(fuzz.findings(target, seconds=0.0))

    assert [(one.severity, one.message) for one in found] == [
        ("warning", "Only 0 of 1000 requests were sent: 0 s were over."),
        ("info", "0 requests, 0 answered, 0 refused"),
    ]
