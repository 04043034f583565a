"""One turn of the event loop follows the other, and nobody waits long for theirs."""

import asyncio
import socket

import pytest

from sealift.serve import turn
from sealift.serve.turn import Loop


@pytest.fixture
def loop():
    """An event loop."""
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def pair():
    """A socket to watch, and its other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


class Busy:
    """Whoever watches a socket for bytes, of which ``more`` come as soon as some were answered."""

    def __init__(self, loop, pair, more, *, left=False):
        self.loop, self.more, self.left = loop, more, left
        self.ours, self.theirs = pair
        self.came = self.answered = 0
        loop.turns.ended = self.answer
        loop.turns.watch(self.ours, self.come)

    def come(self):
        """Read what came."""
        self.came += len(self.ours.recv(99))
        return self.left

    def answer(self):
        """Answer it, for which more comes."""
        if self.came > self.answered:
            self.answered = self.came
            if self.more:
                self.more -= 1
                self.theirs.send(b"x")
        return False


def test_turns_of_those_who_are_watched_follow_each_other_without_the_loop(loop, pair, monkeypatch):
    """As long as nobody else has anything to do."""
    monkeypatch.setattr(turn, "SPAN", 60.0)
    busy, went = Busy(loop, pair, 20), []
    select = loop.turns.select

    def selected(timeout=None):
        went.append(timeout)
        return select(timeout)

    loop.turns.select = selected
    busy.theirs.send(b"x")
    loop.run_until_complete(asyncio.sleep(0.05))

    assert busy.answered == 21
    assert len(went) < 10


def test_the_loop_goes_round_before_those_who_are_watched_have_come_to_an_end(
    loop, pair, monkeypatch
):
    """However many turns there are, they follow each other for so long only."""
    monkeypatch.setattr(turn, "SPAN", 0.0)
    busy = Busy(loop, pair, 100_000)
    busy.theirs.send(b"x")
    loop.run_until_complete(asyncio.sleep(0.05))

    assert 1 < busy.answered < 100_000


@pytest.mark.parametrize("left", [True, False])
def test_what_a_turn_leaves_to_the_loop_is_done_next(loop, pair, monkeypatch, left):
    """Else it would wait until there is nobody left."""
    monkeypatch.setattr(turn, "SPAN", 60.0)
    busy, after = Busy(loop, pair, 50, left=left), []
    come = busy.come

    def came():
        if not busy.came:
            loop.call_soon(lambda: after.append(busy.came))
        return come()

    loop.turns.unregister(pair[0])
    loop.turns.watch(pair[0], came)
    loop.call_later(0.01, busy.theirs.send, b"x")
    loop.run_until_complete(asyncio.sleep(0.05))

    assert after == [1 if left else 51]


def test_others_whose_sockets_are_ready_have_their_turn_beside_those_who_are_watched(
    loop, pair, monkeypatch
):
    """In the same round of the loop."""
    monkeypatch.setattr(turn, "SPAN", 60.0)
    busy, seen = Busy(loop, pair, 50), []
    near, far = socket.socketpair()
    with near, far:
        loop.call_later(0.01, far.send, b"y")
        loop.call_later(0.01, busy.theirs.send, b"x")

        def read():
            near.recv(1)
            seen.append(busy.answered)

        loop.add_reader(near, read)
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.remove_reader(near)

    assert seen == [0]
    assert busy.answered == 51


def test_whoever_is_watched_and_fails_stops_no_other(loop, pair):
    """The loop tells its handler, and goes on."""
    told = []
    busy = Busy(loop, pair, 0)

    def fails():
        busy.come()
        raise ZeroDivisionError("once")

    loop.turns.unregister(pair[0])
    loop.turns.watch(pair[0], fails)
    loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    busy.theirs.send(b"x")

    assert loop.run_until_complete(asyncio.sleep(0.01, "done")) == "done"
    assert told == ["once"]


def test_a_turn_that_ends_badly_stops_no_other(loop):
    """The loop tells its handler, and goes on."""
    told = []
    turns = iter([ZeroDivisionError("one"), ZeroDivisionError("two")])

    def ended():
        if error := next(turns, None):
            raise error
        return False

    loop.turns.ended = ended
    loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    assert loop.run_until_complete(asyncio.sleep(0.01, "done")) == "done"

    assert told == ["one", "two"]
