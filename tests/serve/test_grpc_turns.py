"""Clients of gRPC with much to do: each does a little of it in its turn, and nothing is lost."""

import asyncio
import socket
import struct
import tracemalloc
from itertools import pairwise

import pytest
from toy_grpc import METHOD, infer
from toy_http2 import (
    END_HEADERS,
    END_STREAM,
    KINDS,
    PADDED,
    PREFACE,
    frame,
    opening,
    settings,
    words,
)
from toy_listener import Wire, given
from toy_wire import packed
from toy_worker import Worker

from sealift.serve.limits import Limits
from sealift.serve.rpc import rota
from sealift.serve.rpc.connection import IDLE, NARROW, Connection
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.fields import Fields
from sealift.serve.rpc.listener import SCRATCH
from sealift.serve.rpc.rota import Rota

WIDE = (1 << 31) - 1
ASKED = infer([("X", "FP32", [1, 3], packed([0.5, 1.0, -1.5], "f4"))]).SerializeToString()
MESSAGE = b"\0" + words(len(ASKED)) + ASKED
STREAM = METHOD + "ModelStreamInfer"
MANY = 1000
GREETING = 2
"""Frames of a client that has greeted."""


class Heard(Wire):
    """One that knows when no more is written; ``file`` is its socket."""

    file = None

    def get_extra_info(self, name, default=None):
        """The socket."""
        return self.file if name == "socket" else default

    def write_eof(self):
        """It is not written any more."""


class House:
    """Connections in memory that share a worker."""

    def __init__(self, worker):
        self.desk = Desk(worker.house, worker.access, "")
        self.rota = Rota()
        self.scratch = memoryview(bytearray(SCRATCH))

    async def client(self):
        """One that has greeted."""
        client = Client(self)
        while not client.wire.reads:
            await asyncio.sleep(0)
        return client


class Client:
    """A connection in memory, and what was sent to it."""

    def __init__(self, house):
        self.wire = Heard()
        self.connection = Connection(house.desk, set(), 8, house.rota, house.scratch)
        self.connection.connection_made(self.wire)
        wide = frame("WINDOW_UPDATE", words(WIDE - (1 << 16)))
        self.connection.come(PREFACE + settings(window=WIDE) + wide)

    def read(self, data):
        """As from the event loop; what was not read."""
        return given(self.connection, self.wire, data)

    async def takes(self, data):
        """All of it, in as many turns as it takes; how many those were."""
        turns = 0
        while data := self.read(data):
            await asyncio.sleep(0)
            turns += 1
        return turns

    def sent(self, kind):
        """Flags, stream and content of the frames of a kind."""
        data, found = b"".join(self.wire.written), []
        while data:
            size = int.from_bytes(data[:3], "big")
            number, flags, stream = struct.unpack(">BBI", data[3:9])
            if number == KINDS[kind]:
                found.append((flags, stream, data[9 : 9 + size]))
            data = data[9 + size :]
        return found

    @property
    def sizes(self):
        """Bytes that were sent."""
        return sum(map(len, self.wire.written))

    @property
    def echoes(self):
        """The pings that were answered."""
        return [content for flags, _, content in self.sent("PING") if flags]

    @property
    def greeted(self):
        """Whether its settings were taken."""
        return any(flags for flags, _, _ in self.sent("SETTINGS"))

    @property
    def ended(self):
        """The streams whose answers ended."""
        return [stream for flags, stream, _ in self.sent("HEADERS") if flags & END_STREAM]


@pytest.fixture
def played(tensor_folder):
    """What a scene with connections gives, in so much room."""

    def play(scene, room=1 << 20):
        house = House(Worker(tensor_folder, Limits(room=room)))
        return asyncio.run(asyncio.wait_for(scene(house), 60))

    return play


def pings(count, first=0):
    """Pings with numbers."""
    return b"".join(frame("PING", struct.pack(">Q", first + one)) for one in range(count))


def numbers(echoes):
    """The numbers of pings."""
    return [struct.unpack(">Q", one)[0] for one in echoes]


def calls(count):
    """Whole calls."""
    return b"".join(
        opening(number) + frame("DATA", MESSAGE, number, END_STREAM)
        for number in range(1, 2 * count, 2)
    )


def test_a_client_that_asks_little_does_not_wait_for_one_that_asks_much(played):
    """It is answered in the next turn, while most of what the other sent is still to do."""

    async def scene(house):
        much, little = await house.client(), await house.client()
        left = much.read(pings(MANY))
        little.read(pings(1))
        await asyncio.sleep(0)
        early = len(much.echoes), little.echoes
        await much.takes(left)
        while len(much.echoes) < MANY:
            await asyncio.sleep(0)
        return early, numbers(much.echoes)

    (early, quick), all_of_them = played(scene)
    assert early < MANY / 2
    assert quick
    assert all_of_them == list(range(MANY))


def test_what_one_client_alone_sends_together_is_done_together(played):
    """As far as that keeps nobody waiting for long; beside others who wait it does less."""

    async def scene(house):
        client = await house.client()
        client.read(pings(MANY))
        alone = len(client.echoes)
        for _ in range(9):
            await asyncio.sleep(0)
        crowd = [await house.client() for _ in range(9)]
        for one in crowd:
            one.read(pings(MANY))
        return alone, [len(one.echoes) for one in crowd[1:]]

    alone, beside = played(scene)
    assert alone + GREETING == rota.ALONE
    assert max(beside) <= rota.AT_ONCE


def test_whoever_comes_beside_one_that_was_alone_shares_its_turn(played):
    """Two do no more in a turn than one, whichever of them has begun it."""

    async def scene(house):
        crowd = [await house.client() for _ in range(3)]
        first = sum(one.sizes for one in crowd)
        done = [0]
        rest = [pings(MANY) for _ in crowd]
        while done[-1] < 3 * MANY * 17:
            rest = [one.read(data) for one, data in zip(crowd, rest, strict=True)]
            done.append(sum(one.sizes for one in crowd) - first)
            await asyncio.sleep(0)
        return max(after - before for before, after in pairwise(done)) / 17

    assert played(scene) <= rota.ALONE


def test_who_connects_does_not_keep_waiting_who_is_there(played):
    """However many do so in the same moment: one that has greeted before is answered first."""

    async def scene(house):
        little = await house.client()
        crowd = [Client(house) for _ in range(500)]
        little.read(pings(1))
        await asyncio.sleep(0)
        early = little.echoes, sum(one.greeted for one in crowd)
        while not all(one.greeted for one in crowd):
            await asyncio.sleep(0)
        return early

    quick, greeted = played(scene)
    assert quick
    assert greeted < 250


def test_calls_of_a_client_that_has_gone_are_given_up_in_turns(played):
    """A few in each, all in the end; whoever asks for something meanwhile is answered."""

    async def scene(house):
        room = house.desk.room
        crowd, little = [await house.client() for _ in range(3)], await house.client()
        for one in crowd:
            await one.takes(b"".join(opening(number) for number in range(1, 1000, 2)))
        for _ in range(20):
            await asyncio.sleep(0)
        each = room.taken // 1500
        held = [room.taken]
        for one in crowd:
            one.connection.connection_lost(None)
        little.read(pings(1))
        while room.taken:
            held.append(room.taken)
            await asyncio.sleep(0)
        return each, held, little.echoes

    each, held, echoes = played(scene, room=1 << 23)
    assert each > 1000
    assert max(before - after for before, after in pairwise(held)) <= rota.CLEARED * each
    assert echoes


def test_frames_that_are_read_for_lack_of_room_count(played):
    """As others do that a client has read in its turn."""

    async def scene(house):
        client, other = await house.client(), await house.client()
        other.read(pings(MANY))
        client.read(pings(1500))
        return client.connection.work(10), len(client.echoes)

    counted, done = played(scene, room=1)
    assert counted == done > 10


def test_however_many_ask_much_a_turn_is_bounded(played):
    """Together they do no more in one turn than a few would; each goes on, none is forgotten."""

    async def scene(house):
        crowd = [await house.client() for _ in range(60)]
        first = crowd[0].sizes
        for one in crowd:
            one.read(pings(200))
        done = [0, sum(one.sizes - first for one in crowd)]
        while done[-1] < 60 * 200 * 17:
            await asyncio.sleep(0)
            done.append(sum(one.sizes - first for one in crowd))
        return max(after - before for before, after in pairwise(done)) / 17

    assert played(scene) <= rota.ALONE


def test_nothing_is_read_of_a_client_that_has_enough_to_do(played):
    """The system holds what else it sends, and it is read again as soon as all is done."""

    async def scene(house):
        client = await house.client()
        left = client.read(pings(MANY) * 3)
        reads = client.wire.reads
        await client.takes(left)
        while len(client.echoes) < 3 * MANY:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        return len(left), reads, client.wire.reads

    left, before, after = played(scene)
    assert left >= 3 * MANY * 17 - NARROW
    assert (before, after) == (False, True)


def test_a_client_that_takes_no_answers_has_no_more_of_its_frames_read(played):
    """Once it takes them, all of what it sent is answered."""

    async def scene(house):
        client = await house.client()
        client.read(pings(500))
        client.connection.pause_writing()
        before = len(client.echoes)
        for _ in range(50):
            await asyncio.sleep(0)
        stopped = len(client.echoes)
        client.connection.resume_writing()
        while len(client.echoes) < 500:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        return before, stopped, numbers(client.echoes), client.wire.reads

    before, stopped, echoes, reads = played(scene)
    assert before == stopped < 500
    assert echoes == list(range(500))
    assert reads


def test_calls_that_wait_for_their_turn_are_answered_before_the_server_ends(played):
    """It asks the client to go; what had come by then is answered, then it closes."""

    async def scene(house):
        client = await house.client()
        client.read(calls(60))
        early = len(client.ended)
        client.connection.leave()
        client.connection.come(frame("PING", b"parting\0", flags=1))
        while not client.wire.closed:
            await asyncio.sleep(0)
        return early, client.ended, client.sent("GOAWAY")

    early, ended, partings = played(scene)
    assert early < 60
    assert sorted(ended) == list(range(1, 120, 2))
    assert [struct.unpack(">II", content[:8]) for _, _, content in partings] == [
        (WIDE, 0),
        (119, 0),
    ]


def test_requests_of_a_stream_wait_for_their_turn_too(played):
    """However many of them one frame holds; each is answered, in order."""

    async def scene(house):
        much, little = await house.client(), await house.client()
        data = opening(1, STREAM) + frame("DATA", b"\0\0\0\0\0" * 3200, 1, END_STREAM)
        left = much.read(data)
        await much.takes(left)
        little.read(pings(1))
        for _ in range(4):
            await asyncio.sleep(0)
        early = len(much.sent("DATA")), little.echoes
        while not much.ended:
            await asyncio.sleep(0)
        return early, len(much.sent("DATA"))

    (early, quick), answers = played(scene)
    assert early < 800
    assert quick
    assert answers == 3200


def test_requests_that_wait_for_their_turn_are_answered_before_the_server_ends(played):
    """Those of a stream that the client has not ended."""

    async def scene(house):
        client = await house.client()
        client.read(opening(1, STREAM) + frame("DATA", MESSAGE * 150, 1))
        client.connection.leave()
        while not client.ended:
            await asyncio.sleep(0)
        return b"".join(content for _, _, content in client.sent("DATA")).count(b"toy")

    assert played(scene) == 150


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(played):
    """Neither room nor work."""

    async def scene(house):
        client = await house.client()
        client.read(pings(900) + calls(100))
        client.wire.closed = True
        client.connection.connection_lost(None)
        before = len(client.wire.written)
        for _ in range(20):
            await asyncio.sleep(0)
        return before == len(client.wire.written), house.desk.room.taken

    assert played(scene) == (True, 0)


def test_a_client_that_is_lost_while_it_waits_for_its_turn_has_none(played):
    """And its turn fails nothing for those behind it."""

    async def scene(house):
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        first, lost, little = [await house.client() for _ in range(3)]
        first.read(pings(MANY))
        lost.read(pings(MANY))
        little.read(pings(1))
        lost.wire.closed, lost.wire.file = True, socket.socket()
        lost.wire.file.close()
        lost.connection.connection_lost(None)
        while len(first.echoes) < MANY:
            await asyncio.sleep(0)
        return told, lost.echoes, little.echoes

    told, echoes, answered = played(scene)
    assert not told
    assert not echoes
    assert answered


HALVES = {
    "fields": frame("HEADERS", b"\0" * 15_000, 1),
    "fields in parts": frame("HEADERS", b"\0" * 9000, 1) + frame("CONTINUATION", b"\0" * 9000, 1),
    "a frame of fields": frame("HEADERS", b"\0" * 15_000, 1, END_HEADERS)[:-1],
    "a padded frame": opening(1) + frame("DATA", b"\0" * 15_000, 1, PADDED)[:-1],
    "settings": frame("SETTINGS", b"\0" * 15_000)[:-1],
}


@pytest.mark.parametrize("half", HALVES)
def test_what_is_not_whole_shares_a_bound(played, half):
    """Who begins more than there is room for is told so, whatever others hold; what is given up
    leaves the room to others, and a little needs none."""

    async def scene(house):
        room = house.desk.room
        crowd = [await house.client() for _ in range(20)]
        for one in crowd:
            await one.takes(HALVES[half])
            await asyncio.sleep(0)
        told = [content for one in crowd for _, _, content in one.sent("GOAWAY")]
        held = room.taken
        little = await house.client()
        little.read(frame("HEADERS", b"\0" * 3000, 1))
        for one in crowd:
            one.connection.connection_lost(None)
        left = room.taken
        little.connection.connection_lost(None)
        return told, held, little.sent("GOAWAY"), left

    told, held, little, left = played(scene, room=100_000)
    assert 5 <= len(told) < 20
    assert {struct.unpack(">II", content[:8])[1] for content in told} == {11}
    assert held <= 100_000
    assert not little
    assert left == 0


def test_half_a_message_finds_no_room_alone(played):
    """Its call is refused, though its frame is not whole; others on the connection go on."""

    async def scene(house):
        client = await house.client()
        client.read(opening(1) + frame("DATA", b"\0" + words(15_000) + b"x" * 9, 1))
        large = frame("DATA", b"x" * 14_000, 1)
        client.read(large[:9000])
        refused = client.ended
        client.read(large[9000:])
        client.read(calls(3)[len(opening(1) + frame("DATA", MESSAGE, 1, END_STREAM)) :])
        while len(client.ended) < 3:
            await asyncio.sleep(0)
        return refused, sorted(client.ended), client.sent("GOAWAY")

    assert played(scene, room=8000) == ([1], [1, 3, 5], [])


def test_a_large_frame_is_the_same_in_pieces(played):
    """However it is cut: one call is answered, and its room is free again."""

    async def scene(house):
        rows = 1000
        asked = infer([("X", "FP32", [rows, 3], b"\0" * 12 * rows)]).SerializeToString()
        data = frame("DATA", b"\0" + words(len(asked)) + asked, 1, END_STREAM)
        for size in (1, 100, 4096, 8191):
            client = await house.client()
            await client.takes(opening(1))
            for place in range(0, len(data), size):
                await client.takes(data[place : place + size])
            while not client.ended:
                await asyncio.sleep(0)
            assert client.sent("DATA")
            assert not client.sent("GOAWAY")
            assert house.desk.room.taken == 0

    played(scene)


def test_a_word_about_all_streams_looks_at_those_alone_that_may_send(played):
    """Streams without a window of their own cost nothing, however many there are."""

    async def scene(house):
        client = await house.client()
        client.read(settings(window=0) + calls(50))
        while len(client.connection._out.stalled()) < 50:
            await asyncio.sleep(0)
        assert not list(client.connection._out.movable())
        client.read(frame("WINDOW_UPDATE", words(1000), 7))
        one = client.ended
        client.read(settings(window=1000))
        while len(client.ended) < 50:
            await asyncio.sleep(0)
        return one, client.connection._out.stalled()

    assert played(scene) == ([7], [])


def test_looking_after_clients_goes_on_whatever_one_has_done(played):
    """Answers that nobody takes are given up also where a client may do nothing more."""

    async def scene(house):
        client = await house.client()
        client.read(settings(window=0) + calls(3))
        while len(client.connection._out.stalled()) < 3:
            await asyncio.sleep(0)
        client.connection._allowance._left = -1e6
        client.connection.look(client.connection._heard + 61)
        return [stream for _, stream, _ in client.sent("RST_STREAM")]

    assert played(scene) == [1, 3, 5]


def test_a_client_that_waits_for_its_turn_is_not_taken_for_idle(played):
    """However long it has to wait: it has asked for something. One that has asked nothing is."""

    async def scene(house):
        waiting, idle = await house.client(), await house.client()
        await idle.takes(pings(1))
        waiting.read(pings(MANY))
        for one in (waiting, idle):
            one.connection.look(one.connection._heard + IDLE + 1)
        return waiting.sent("GOAWAY"), len(idle.sent("GOAWAY"))

    assert played(scene) == ([], 1)


def test_what_metadata_means_is_not_kept_where_it_is_much():
    """A few bytes may stand for many fields; clients could have the server keep all of them."""
    table = b"".join(b"\x40\x02" + b"%02x" % one + b"\x01x" for one in range(110))
    read = Fields()
    read.request(table)
    tracemalloc.start()
    try:
        for one in range(8):
            read.request(b"\x82\x86\x84" + bytes(range(0xBE, 0xFF)) * 2 + b"\x87" * one)
        assert tracemalloc.get_traced_memory()[0] < 4096
    finally:
        tracemalloc.stop()
