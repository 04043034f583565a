"""What connections hold of what came: nothing that was asked, and little that was not."""

import asyncio
import contextlib
import select
import socket
import tracemalloc

import pytest
from toy_listener import Door, listened
from toy_running import Running
from toy_worker import ROWS, Worker, infer, posted

from sealift.serve.admission import Room

BODY = b"x" * 90_000
POST = b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n" + BODY
WAIT = b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"
LITTLE = 8192


@pytest.fixture
def traced():
    """Memory is counted."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_a_client_that_rests_holds_nothing_of_what_it_sent():
    """However much of it came at once with its head."""
    door = Door()
    door.come(b"\r\n")
    before = tracemalloc.get_traced_memory()[0]

    door.come(POST + POST)

    assert len(door.wire.written) == 2
    assert tracemalloc.get_traced_memory()[0] < before + LITTLE


@pytest.mark.usefixtures("traced")
def test_a_request_under_way_holds_nothing_of_those_before_it():
    """What follows it is held alone, not with all that came with it."""

    async def scene():
        door = Door()
        door.come(b"\r\n")
        before = tracemalloc.get_traced_memory()[0]
        door.come(POST + POST + WAIT + b"GET")
        after = tracemalloc.get_traced_memory()[0]
        door.app.gate.set()
        while len(door.wire.written) < 3:
            await asyncio.sleep(0)
        return after - before

    assert asyncio.run(scene()) < 2 * LITTLE


BEGUN = b"GET / HTTP/1.1\r\nhost: x\r\na: "
GET = BEGUN + b"\r\n\r\n"
FULL = b"HTTP/1.1 429"


def test_unfinished_heads_share_a_bound():
    """Who begins more than there is room for is refused and closed, whatever others hold; short
    heads need no room, and what is ended or given up leaves it to others."""

    async def scene(app, opening):
        app.room = Room(100_000)
        holders = [await opening() for _ in range(3)]
        for _, out in holders:
            out.write(BEGUN + b"x" * 50_000)
        refused = await asyncio.wait(
            [asyncio.ensure_future(come.read()) for come, _ in holders],
            return_when=asyncio.FIRST_COMPLETED,
        )
        (said,) = [one.result() for one in refused[0]]
        while app.room.taken < 90_000:
            await asyncio.sleep(0)
        held = app.room.taken
        come, out = await opening()
        out.write(BEGUN + b"x" * 3000)
        await asyncio.sleep(0.05)
        out.write(b"\r\n\r\n")
        short = await come.readuntil(b"\r\n\r\n0")
        for _, out in holders:
            out.write(b"\r\n\r\n")
            out.write_eof()
        rest = await asyncio.gather(*refused[1])
        return said, held, short, rest, app.room.taken

    said, held, short, rest, left = listened(scene)
    assert said.startswith(FULL)
    assert held <= 100_000
    assert [one[:12] for one in (short, *rest)] == 3 * [b"HTTP/1.1 200"]
    assert left == 0


def test_what_waits_behind_a_request_takes_room():
    """The request is answered; then whoever sent more than there is room for is refused."""

    async def scene(app, opening):
        app.room = Room(10_000)
        come, out = await opening()
        out.write(WAIT)
        await asyncio.sleep(0.05)
        out.write(GET * 1000)
        await asyncio.sleep(0.05)
        app.gate.set()
        said = await come.read()
        return said, app.room.taken

    said, left = listened(scene)
    assert said.startswith(b"HTTP/1.1 200")
    assert (said.count(b"HTTP/1.1"), said.count(FULL)) == (2, 1)
    assert left == 0


def test_a_client_of_plain_requests_is_refused_once_what_it_asked_is_answered(tensor_folder):
    """No answer is lost for what came behind its request."""
    worker = Worker(tensor_folder)
    worker.app.room = Room(10_000)
    door = worker.door()
    door.come(posted(infer(ROWS[0])))
    door.come(BEGUN + b"x" * 20_000)
    assert not door.wire.written
    worker.app.express.answer()

    assert [one[:12] for one in door.wire.written] == [b"HTTP/1.1 200", FULL]
    assert door.wire.closed


def test_a_client_that_goes_over_to_another_protocol_is_read_on():
    """However much of it came at once: nothing of it is held here."""

    class Other(Door):
        """Hands everybody over."""

        def handed_over(self, connection, transport, data):
            return True

    door = Other()
    door.come(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"x" * 100_000)

    assert door.wire.reads
    assert door.app.room.taken == 0


def test_a_server_holds_unfinished_heads_within_its_room(tensor_folder, tmp_path):
    """The same over real sockets: some are told 429, and others are answered meanwhile."""
    settings = {"SEALIFT_MAX_BODY": "400000", "SEALIFT_MAX_BODIES": "400000"}
    server = Running(tensor_folder, tmp_path / "log", **settings)
    with server, contextlib.ExitStack() as opened:
        server.ready()
        peers = []
        for _ in range(40):
            peer = opened.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            peer.sendall(BEGUN + b"x" * 50_000)
            peers.append(peer)
        server.wait_for(lambda: len(select.select(peers, [], [], 0)[0]) >= 32)
        for peer in select.select(peers, [], [], 0)[0]:
            assert peer.recv(12) == FULL
        page = server.client.get("/metrics").text
        assert 0 < float(page.partition("\nsealift_body_bytes ")[2].split()[0]) <= 400_000
        assert server.post({"rows": [{"a": 0.1, "b": 0.2, "c": 0.3}]}).status_code == 200
        opened.close()
        server.wait_for(lambda: "sealift_body_bytes 0\n" in server.client.get("/metrics").text)
