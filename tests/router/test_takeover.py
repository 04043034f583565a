"""Traefik killed under traffic: whoever connects is answered."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from urllib.parse import urlsplit

import pytest

from sealift import clock
from sealift.adapters.routers import traefik_process as processes
from sealift.adapters.routers import traefik_view as view
from sealift.adapters.routers.activation import arguments
from sealift.adapters.routers.listener import listener
from sealift.errors import MachineError
from sealift.loopback import connections, is_free
from sealift.record.route import Backend, Route


class Callers:
    """Clients that open a connection for every request, and ask again until they are answered.

    ``statuses`` counts the answers. ``failures`` are the attempts without one: when it began, when
    it ended, and why.
    """

    def __init__(self, address, clients=4):
        place = urlsplit(address)
        self.place = (place.hostname, place.port)
        self.statuses = Counter()
        self.failures = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._clients = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self):
        for one in self._clients:
            one.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for one in self._clients:
            one.join()

    @property
    def answered(self):
        """Requests so far that were answered."""
        with self._lock:
            return sum(self.statuses.values())

    def outside(self, deaths):
        """The failures that no death explains; deaths are moments of the kill and of the end."""
        return [
            (begun, ended, why)
            for begun, ended, why in self.failures
            if not any(begun <= gone and killed <= ended for killed, gone in deaths)
        ]

    def _run(self):
        while not self._over.is_set():
            self._ask()

    def _ask(self):
        connection = http.client.HTTPConnection(*self.place, timeout=20)
        begun = clock.monotonic()
        try:
            connection.request("POST", "/predict", b"{}")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self.failures.append((begun, clock.monotonic(), repr(error)))
        else:
            with self._lock:
                self.statuses[answer.status] += 1
        finally:
            connection.close()


def only(bench, generation, version=1):
    """All requests to one version."""
    one = Backend(version=version, weight=1000, urls=(bench.backend(version),))
    return Route(service="svc", generation=generation, backends=(one,))


def found(bench):
    """The processes, oldest first: the one with the requests, and the one in reserve."""
    return list(processes.find(bench.router.folder))


def kill(one):
    """As a crash would; the moments of the kill, and when nothing of it was left."""
    begun = clock.monotonic()
    os.kill(one.pid, signal.SIGKILL)
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    return begun, clock.monotonic()


def wait(holds, seconds=10.0):
    """Until something holds; whether it does."""
    deadline = clock.monotonic() + seconds
    while not holds() and clock.monotonic() < deadline:
        clock.sleep(0.005)
    return holds()


def test_who_connects_once_a_killed_router_is_gone_is_answered(traefik):
    """What was with it is lost; nobody waits for the controller to notice."""
    traefik.router.start()
    traefik.router.apply(only(traefik, 1))
    deaths = []
    with Callers(traefik.router.address) as callers:
        for _ in range(8):
            before = callers.answered
            assert wait(lambda before=before: callers.answered > before + 50)
            deaths.append(kill(found(traefik)[0]))
            clock.sleep(0.2)  # the controller does not look all the time
            assert traefik.router.start()
    assert callers.outside(deaths) == []
    assert set(callers.statuses) == {200}
    assert len(found(traefik)) == 2


def test_a_reserve_that_is_killed_is_noticed_by_nobody(traefik):
    """It has no requests; the new one takes no request before it knows the route."""
    traefik.router.start()
    traefik.router.apply(only(traefik, 1))
    with Callers(traefik.router.address) as callers:
        for _ in range(4):
            kill(found(traefik)[1])
            clock.sleep(0.05)
            assert traefik.router.running()
            assert traefik.router.start()
            clock.sleep(0.05)
    assert set(callers.statuses) == {200}
    assert callers.failures == []


def test_the_one_that_takes_over_follows_the_route_in_force(traefik):
    """A route is in force once it is so in both."""
    traefik.router.start()
    for generation in range(1, 6):
        traefik.router.apply(only(traefik, generation, 1 + generation % 2))
        kill(found(traefik)[0])
        assert traefik.send(3) == [200] * 3
        traefik.router.start()
    seen, _ = traefik.settled(15)
    assert [(one.generation, one.version) for one in seen] == [
        (generation, 1 + generation % 2) for generation in range(1, 6) for _ in range(3)
    ]


def test_a_route_is_put_in_force_while_one_is_missing(traefik):
    """A release does not wait for the reserve, which learns the route when it comes."""
    traefik.router.start()
    traefik.router.apply(only(traefik, 1))
    kill(found(traefik)[0])
    traefik.router.apply(only(traefik, 2))
    assert traefik.router.start()
    kill(found(traefik)[0])
    assert traefik.send(2) == [200] * 2
    seen, _ = traefik.settled(2)
    assert [one.generation for one in seen] == [2] * 2


def test_no_request_is_lost_or_told_twice_when_kills_and_rotations_meet(traefik):
    """Both write to one log, one after the other."""
    traefik.router.start()
    traefik.router.apply(only(traefik, 1))
    seen, cursor, deaths = [], None, []
    with Callers(traefik.router.address) as callers:
        for turn in range(60):
            more, cursor = traefik.again(part_bytes=5_000).events(cursor)
            seen += more
            clock.sleep(0.02)
            if turn % 15 == 7:
                deaths.append(kill(found(traefik)[0]))
            if turn % 15 == 12:
                traefik.router.start()
    more, _ = traefik.settled(callers.answered - len(seen), cursor)
    assert callers.outside(deaths) == []
    # what was in flight may be told of though its answer was lost, or answered but not told of
    most = callers.answered + len(callers.failures)
    assert callers.answered - 4 * len(deaths) <= len(seen + more) <= most


def test_one_of_them_alone_is_adopted_and_completed(traefik):
    """The controller was killed, and a Traefik with it."""
    traefik.router.start()
    traefik.router.apply(only(traefik, 3))
    first, second = found(traefik)
    kill(first)
    (traefik.router.folder / "port.json").unlink()

    assert traefik.again().start()

    after = found(traefik)
    assert after[0] == second
    assert len(after) == 2
    assert traefik.send(1) == [200]


def test_a_reserve_that_hangs_is_replaced(traefik):
    """It would take over and answer nobody."""
    traefik.router.start()
    traefik.router.apply(only(traefik, 1))
    first, second = found(traefik)
    os.kill(second.pid, signal.SIGSTOP)
    assert wait(lambda: not view.answers(second))
    assert traefik.router.start()
    assert found(traefik)[0] == first
    assert not second.alive
    traefik.router.apply(only(traefik, 2))


def test_stop_leaves_neither(traefik):
    """Nor anything that listens."""
    traefik.router.start()
    port = found(traefik)[0].port
    traefik.router.stop()
    assert found(traefik) == []
    assert connections(port) == 0
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port).connect()


def test_a_router_that_is_gone_has_let_its_port_go(traefik):
    """A process of many threads has its sockets until the last of them has ended."""
    for _ in range(5):
        traefik.router.start()
        both = found(traefik)
        for one in both:
            os.kill(one.pid, signal.SIGKILL)
        while any(one.alive for one in both):
            pass
        assert is_free(both[0].port)


def test_a_port_of_an_ordinary_program_is_not_shared():
    """Nobody is given half of another's connections."""
    with listener(0) as ours, listener(ours.getsockname()[1]) as second:
        assert second.getsockname() == ours.getsockname()
    plain = socket.socket()
    plain.bind(("127.0.0.1", 0))
    plain.listen()
    with pytest.raises(MachineError, match="in use"):
        listener(plain.getsockname()[1])
    plain.close()


def test_the_first_in_line_gets_everything_until_it_is_closed():
    """Also while others join behind it."""
    first = listener(0)
    place = first.getsockname()
    line = [first, listener(place[1]), listener(place[1])]
    assert [accepted(line, place), len(line)] == [[20, 0, 0], 3]
    line.pop(0).close()
    line.append(listener(place[1]))
    assert sorted(accepted(line, place)) == [0, 0, 20]
    for one in line:
        one.close()


def accepted(line, place):
    """How many of 20 connections each of the sockets gets."""
    counts = [0] * len(line)
    for _ in range(20):
        with socket.create_connection(place):
            for number, one in enumerate(line):
                one.setblocking(False)
                try:
                    one.accept()[0].close()
                except BlockingIOError:
                    continue
                counts[number] += 1
    return counts


SHOW = """
import os
print(os.environ["LISTEN_PID"] == str(os.getpid()), os.environ["LISTEN_FDS"],
      os.environ["LISTEN_FDNAMES"], sorted(int(n) for n in os.listdir("/proc/self/fd"))[3:5])
import socket
print([socket.socket(fileno=n).getsockname()[1] for n in (3, 4)])
"""


def test_sockets_are_handed_over_in_order_and_nothing_else_is():
    """As sd_listen_fds(3) has it, even where the numbers are in each other's way."""
    with listener(0) as one, listener(0) as two:
        for pair in ([one, two], [two, one]):
            numbers = [each.fileno() for each in pair]
            words = [*arguments(list(zip(numbers, ("web", "traefik"), strict=True)))]
            done = subprocess.run(
                [*words, sys.executable, "-c", SHOW],
                pass_fds=numbers,
                capture_output=True,
                check=True,
            )
            said = done.stdout.decode().splitlines()
            assert said[0] == "True 2 web:traefik [3, 4]"
            assert said[1] == str([each.getsockname()[1] for each in pair])
