"""Clients of gRPC that take answers slowly: as long as they take some, they are waited for."""

import asyncio
import struct
from itertools import count

import pytest
from toy_grpc import infer
from toy_http2 import END_STREAM, KINDS, PREFACE, frame, opening, settings, words
from toy_listener import Wire
from toy_worker import Worker

from sealift import clock
from sealift.serve.rpc.connection import Connection
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.listener import SCRATCH
from sealift.serve.rpc.rota import Rota

ROWS = 1000
WIDE = (1 << 31) - 1


class Slow:
    """A connection in memory: two calls, with answers of 4 KB each, begin once it is made."""

    def __init__(self, worker, **given):
        self.wire = Wire()
        desk, scratch = Desk(worker.house, worker.access, ""), memoryview(bytearray(SCRATCH))
        self.connection = Connection(desk, set(), 8, Rota(), scratch)
        self.connection.connection_made(self.wire)
        self.come(PREFACE + settings(**given))
        self.began = clock.monotonic()

    def come(self, data):
        """As from the event loop."""
        self.connection.come(data)

    async def ask(self):
        """Both calls, until their answers wait for the client."""
        request = infer([("X", "FP32", [ROWS, 3], b"\0" * 12 * ROWS)]).SerializeToString()
        body = b"\0" + words(len(request)) + request
        for number in (1, 3):
            self.come(opening(number) + frame("DATA", body, number, END_STREAM))
        while len(self.connection._out.stalled()) < 2:
            await asyncio.sleep(0)

    async def ask_and_fill(self):
        """Both calls, until their answers wait for the system to take what is before them."""
        self.connection._out.room = 0
        await self.ask()
        self.connection.pause_writing()
        self.connection._out.room = WIDE

    def look(self, seconds):
        """As the listener does, so many seconds after the beginning."""
        self.connection.look(self.began + seconds)

    def sent(self, kind, stream):
        """What the frames of a kind held."""
        data, found = b"".join(self.wire.written), []
        while data:
            size = int.from_bytes(data[:3], "big")
            if struct.unpack(">BBI", data[3:9])[::2] == (KINDS[kind], stream):
                found.append(data[9 : 9 + size])
            data = data[9 + size :]
        return found


@pytest.fixture(scope="module")
def worker(tensor_folder):
    """The model."""
    return Worker(tensor_folder)


def test_a_client_that_takes_some_of_what_it_is_sent_is_waited_for(worker):
    """For minutes, and though it says nothing; then it has all of its answers."""

    async def scene():
        slow = Slow(worker, window=WIDE)
        await slow.ask_and_fill()
        for second in range(1, 300, 10):
            slow.wire.unsent = 1_000_000 - second
            slow.look(second)
            assert not slow.wire.aborted
        slow.wire.unsent = 0
        slow.connection.resume_writing()
        assert [slow.sent("RST_STREAM", number) for number in (1, 3)] == [[], []]
        return [len(b"".join(slow.sent("DATA", number))) for number in (1, 3)]

    assert min(asyncio.run(asyncio.wait_for(scene(), 30))) > 4 * ROWS


def test_a_client_that_takes_nothing_is_given_up(worker):
    """After a minute, and the time it has to show that it lives."""

    async def scene():
        slow = Slow(worker, window=WIDE)
        await slow.ask_and_fill()
        slow.wire.unsent = 1_000_000
        return next(second for second in count(1) if slow.look(second) or slow.wire.aborted)

    assert 60 < asyncio.run(asyncio.wait_for(scene(), 30)) < 100


def test_answers_that_wait_for_others_on_the_same_connection_are_not_given_up(worker):
    """The client makes room for all of them together, a little now and then."""

    async def scene():
        slow = Slow(worker, window=1 << 20)
        slow.connection._out.room = 0
        await slow.ask()
        for second in (10, 40, 70):
            slow.come(frame("WINDOW_UPDATE", words(500)))
            slow.look(second)
        assert not slow.sent("DATA", 3)
        slow.come(frame("WINDOW_UPDATE", words(1 << 20)))
        assert not slow.sent("RST_STREAM", 3)
        return len(b"".join(slow.sent("DATA", 3)))

    assert asyncio.run(asyncio.wait_for(scene(), 30)) > 4 * ROWS


def test_an_answer_for_which_a_client_makes_no_room_is_given_up(worker):
    """Though it takes others: what nobody asks for is not kept."""

    async def scene():
        slow = Slow(worker, window=0)
        await slow.ask()
        for second in (10, 40, 70):
            slow.come(frame("WINDOW_UPDATE", words(500), 1))
            slow.look(second)
        return slow.sent("RST_STREAM", 3)

    assert asyncio.run(asyncio.wait_for(scene(), 30)) == [words(8)]
