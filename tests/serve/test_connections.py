"""The life of a connection of HTTP: its order, its bounds, its end, and what it never takes for
a request."""

import asyncio
import contextlib
import json
import socket
from itertools import pairwise

import numpy as np
import pytest
from toy_listener import Door, Reader, listened
from toy_worker import Worker

from sealift.serve import listening
from sealift.serve.access import AccessLog
from sealift.serve.admission import Room
from sealift.serve.answer import Answer
from sealift.serve.app import App
from sealift.serve.board import Board, Seat
from sealift.serve.entrance import LOOKED_AT
from sealift.serve.house import House
from sealift.serve.http import line
from sealift.serve.http.head import END, parsed
from sealift.serve.http.listener import Listener
from sealift.serve.limits import Limits

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"
WAIT = b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"
HELLO = b"content-length: 5\r\n\r\nhello"


def talked(content, **options):
    """All that comes back for bytes, until the server closes."""

    async def scene(_app, opening):
        come, out = await opening()
        out.write(content)
        return await come.read()

    return listened(scene, **options)


@pytest.mark.parametrize(
    "fields",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"content-length: 5\r\ncontent-length: 5\r\n",
        b"content-length: 5, 5\r\n",
        b"content-length: +5\r\n",
        b"content-length:\r\n 5\r\n",
        b"content-length : 5\r\n",
        b"transfer-encoding: gzip, chunked\r\n",
        b"transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        b"connection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: nonsense\r\n",
        b"a: b\r\n folded\r\n",
        b"a: b\ncontent-length: 5\r\n",
        b"host: y\r\n",
        b"connection: upgrade\r\nupgrade: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n",
    ],
)
def test_a_head_that_can_be_understood_in_two_ways_is_refused(fields):
    """400 and the end: what follows is nobody's request."""
    said = talked(POST + fields + b"\r\nhello" + GET)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("blank", [b" ", b"\t", b" \t  "])
def test_blanks_around_a_value_are_not_part_of_it(blank):
    """Neither those before it nor those behind it (RFC 9110, 5.5)."""
    fields = {b"host": b"x", b"x-request-id": b"a b", b"inference-header-content-length": b"7"}
    lines = [name + b":" + blank + value + blank for name, value in fields.items()]

    head = parsed(b"\r\n".join([b"POST / HTTP/1.1", *lines]) + END)

    assert head.headers == {name.decode(): value.decode() for name, value in fields.items()}


@pytest.mark.parametrize(
    "host", [b"", b"a", b"a_b.c:80", b"a:", b"1.2.3.4", b"[::1]", b"[::1]:80", b"a%20b", b"*"]
)
def test_a_host_may_have_a_port(host):
    """And be empty, or an address (RFC 9110, 7.2)."""
    assert parsed(GET.replace(b"x", host)).headers["host"] == host.decode()


@pytest.mark.parametrize(
    "host", [b"a b", b"a/b", b"a@b", b"a:b", b"::1", b"[::1", b"[::1]a", b"[]", b"a\xff", b'"a"']
)
def test_what_is_no_host_is_refused(host):
    """As RFC 9112, 3.2 demands: who routes by it may find another one in it."""
    assert talked(GET.replace(b"x", host)).startswith(b"HTTP/1.1 400 ")


def test_the_value_of_a_field_that_is_repeated_is_the_list_of_all():
    """RFC 9110, 5.2; a client that repeats that it waits to be told to send still waits for it."""
    fields = b"accept: a\r\nexpect: 100-continue\r\nAccept: b;q=0.5\r\nexpect: 100-Continue\r\n"

    head = parsed(POST + fields + END[2:])

    assert head.headers["accept"] == "a, b;q=0.5"
    assert head.expects


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://a/v2/x?y", "/v2/x"),
        (b"HTTP://u@a:80/v2", "/v2"),
        (b"https://[::1]/", "/"),
        (b"http://a", "/"),
        (b"http://a?/v2", "/"),
        (b"http://a?b/v2", "/"),
        (b"http://a//v2", "//v2"),
        (b"/a?http://b/v2", "/a"),
        (b"/http://b/v2", "/http://b/v2"),
        (b"*", "*"),
    ],
)
def test_the_form_for_proxies_means_the_path_behind_its_host(target, path):
    """RFC 9112, 3.2.2: servers must take it."""
    assert parsed(b"OPTIONS " + target + b" HTTP/1.1\r\nhost: x" + END).path == path


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"GET / HTTP/2.0", b"GET / RTSP/1.0"])
def test_a_request_needs_a_host_and_http(line):
    """400."""
    assert talked(line + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_head_that_is_too_large_is_refused_though_it_comes_at_once():
    """431, from 64 KiB on."""
    long = GET[:-2] + b"a: " + b"a" * 70_000 + b"\r\n\r\n"

    assert talked(long).startswith(b"HTTP/1.1 431 ")


def test_an_offer_of_another_protocol_is_passed_over():
    """The request is answered over HTTP/1.1, its body read, and the connection kept."""
    offer = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
    said = talked(POST + offer + HELLO + GET.replace(b"host", b"connection: close\r\nhost"))

    assert [one[-1:] for one in said.split(b"HTTP/1.1 200 OK")[1:]] == [b"5", b"0"]


@pytest.mark.parametrize(
    "request_",
    [GET.replace(b"host: x", b"host: x\r\nconnection: close"), b"GET / HTTP/1.0\r\n\r\n"],
)
def test_who_does_not_keep_the_connection_is_answered_once(request_):
    """The second request is not read."""
    assert talked(request_ + GET).count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("cut", range(1, len(GET)))
def test_a_head_may_come_in_two_parts_behind_another_request(cut):
    """Wherever it is cut."""
    door = Door()
    door.come(POST + HELLO + GET[:cut])
    assert len(door.wire.written) == 1
    door.come(GET[cut:])

    assert [one[-1:] for one in door.wire.written] == [b"5", b"0"]


def test_a_body_is_asked_for_where_the_client_waits_and_only_where_it_is_wanted():
    """``100 Continue`` at once; for a body that nobody reads, the answer and the end."""

    async def scene(_app, opening):
        come, out = await opening()
        head = b"expect: 100-continue\r\ncontent-length: 5\r\n\r\n"
        out.write(POST + head)
        told = await come.readuntil(b"\r\n\r\n")
        out.write(b"hello" + POST.replace(b"/ ", b"/refuse ") + head)
        return told, await come.read()

    told, said = listened(scene)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert said.count(b"HTTP/1.1") == 2
    assert said.endswith(b"refused")


@pytest.mark.parametrize("half", [True, False])
def test_a_client_that_leaves_makes_room_for_another(half):
    """The only place there is, whether it closed one way or both while it waited."""

    async def scene(app, opening):
        _, out = await opening()
        out.write(WAIT)
        come, second = await opening()
        second.write(GET)
        await out.drain()
        if half:
            out.write_eof()
        else:
            out.close()
        return await come.readuntil(b"\r\n\r\n0"), app.gone

    said, gone = listened(scene, most=1)

    assert said.startswith(b"HTTP/1.1 200")
    assert gone == 1


class Placed(Reader):
    """Keeps the body, and where in memory its byte ``place`` lies."""

    def __init__(self, place):
        super().__init__()
        self.place, self.body, self.address = place, b"", 0

    async def answer(self, call):
        """Read it as a large tensor is read."""
        self.body = await call.body(10_000, Room(10_000), self.place)
        self.address = np.frombuffer(self.body, np.uint8).ctypes.data + self.place


@pytest.mark.parametrize("place", [0, 1, 15, 16, 153, 4000])
@pytest.mark.parametrize("came", [0, 7, 700])
def test_a_body_that_is_still_to_come_lies_so_that_its_tensors_are_aligned(place, came):
    """Whatever the length of the JSON before them, and whatever came with the head."""
    body = bytes(range(250)) * 20
    app = Placed(place)

    async def scene():
        door = Door(app)
        door.come(POST + b"content-length: 5000\r\n\r\n" + body[:came])
        await asyncio.sleep(0)
        door.come(body[came:])
        while not app.body:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(scene(), 30))

    assert app.body == body
    assert app.address % 16 == 0


def test_what_came_before_the_end_is_answered():
    """A client may send a few requests, then end its side, and read."""

    async def scene(_app, opening):
        come, out = await opening()
        out.write(GET * 100)
        out.write_eof()
        return await come.read()

    assert listened(scene).count(b"HTTP/1.1 200") == 100


def test_an_application_that_fails_ends_its_own_connection_alone():
    """The event loop is told of it, at once or later."""

    async def scene(app, opening):
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        app.gate.set()
        for path in (b"/raise", b"/wait/raise"):
            come, out = await opening()
            out.write(GET.replace(b"/ ", path + b" "))
            assert await come.read() == b""
        come, out = await opening()
        out.write(GET)
        assert (await come.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200")
        return [type(one["exception"]) for one in told]

    assert listened(scene) == [ZeroDivisionError, ZeroDivisionError]


class Unwritable(House):
    """Answers a probe with what cannot stand in a head."""

    async def live(self, call):
        """``GET /v2/health/live``."""
        return Answer(200, b"", headers=(("x", "\N{EURO SIGN}"),))


def test_an_answer_that_cannot_be_written_is_an_incident(capsys):
    """500 and a line in the log, and the connection goes on."""
    house = Unwritable([], Limits(), Seat(Board(1), 0))
    door = Door(App(house, AccessLog("none"), ""))
    door.come(GET.replace(b"/ ", b"/v2/health/live ") + GET)
    heads = [one[:12] for one in door.wire.written]
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert heads == [b"HTTP/1.1 500", b"HTTP/1.1 404"]
    assert [one["event"] for one in logged] == ["incident"]
    assert logged[0]["incident"].encode() in door.wire.written[0]


def test_many_requests_at_once_leave_others_their_turn():
    """Some are answered, the rest in later turns of the event loop."""

    async def scene():
        door = Door()
        door.come(GET * 1000)
        first = len(door.wire.written)
        while len(door.wire.written) < 1000:
            await asyncio.sleep(0)
        return first

    assert asyncio.run(asyncio.wait_for(scene(), 30)) < 100


def test_however_many_send_many_requests_a_turn_is_bounded():
    """All are answered in the end, and who sends one is answered with what came when it did."""

    async def scene():
        shared = line.Line()
        crowd = [Door(line=shared) for _ in range(50)]
        for door in crowd:
            door.come(GET * 100)
        done = [sum(len(door.wire.written) for door in crowd)]
        while done[-1] < 50 * 100:
            little = Door(line=shared)
            little.come(GET)
            assert little.wire.written
            await asyncio.sleep(0)
            done.append(sum(len(door.wire.written) for door in crowd))
        return done

    done = asyncio.run(asyncio.wait_for(scene(), 30))

    assert done[0] <= line.TOGETHER + 50
    assert max(after - before for before, after in pairwise(done)) <= line.TOGETHER


def test_a_client_in_the_line_is_answered_in_order_whatever_else_it_sends():
    """What comes while it waits is answered behind what waits, and so is the end."""

    async def scene():
        door = Door()
        door.come(GET * 99 + POST + HELLO)
        door.come(GET.replace(b"/ ", b"/refuse "))
        door.connection.eof_received()
        early = len(door.wire.written)
        while not door.wire.closed:
            await asyncio.sleep(0)
        return early, [one.rpartition(b"\r\n\r\n")[2] for one in door.wire.written]

    early, answers = asyncio.run(asyncio.wait_for(scene(), 30))

    assert early == line.AT_ONCE
    assert answers == [b"0"] * 99 + [b"5", b"refused"]


def test_requests_that_wait_for_others_do_not_pile_up():
    """While one is answered after the other, no more is taken than has been used."""

    async def scene():
        door = Door()
        rest = door.come(WAIT * 100_000)
        taken = 100_000 * len(WAIT) - len(rest)
        door.app.gate.set()
        while len(door.wire.written) < 100:
            await asyncio.sleep(0)
            rest = door.come(rest)
        return taken, 100_000 * len(WAIT) - len(rest)

    first, later = asyncio.run(asyncio.wait_for(scene(), 30))

    assert later == first < 1 << 20


def test_a_slow_reader_of_a_large_answer_is_waited_for():
    """As long as it takes some of it; though the connection ends with it."""
    door = Door()
    door.come(b"GET /large HTTP/1.0\r\n\r\n")
    for second in range(1, 300, 10):
        door.wire.unsent = 1_000_000 - second
        door.look(second)

    assert door.wire.closed
    assert not door.wire.aborted


@pytest.mark.parametrize("path", [b"/", b"/large"])
def test_an_answer_that_nobody_takes_is_given_up(path):
    """After the patience of the server, large or small."""
    door = Door()
    door.come(GET.replace(b"/ ", path + b" "))
    door.wire.unsent = 1000
    door.look(1)
    door.look(60)
    assert not door.wire.aborted
    door.look(62)

    assert door.wire.aborted


def test_connections_on_which_nothing_comes_are_closed():
    """A begun head has the server's patience and is told of it, an idle connection longer."""
    idle, begun = Door(), Door()
    begun.come(GET[:10])
    for door in (idle, begun):
        door.look(50)
        assert not door.wire.closed
        door.look(70)
    assert (idle.wire.closed, begun.wire.closed) == (False, True)
    (told,) = begun.wire.written
    assert told.startswith(b"HTTP/1.1 408")
    assert told.endswith(b"too_slow")
    idle.look(130)

    assert idle.wire.closed
    assert not idle.wire.written


def test_a_head_that_comes_too_late_is_told_that_the_connection_closes(tensor_folder):
    """As the server writes it; also behind a request that was answered."""
    for before in (b"", GET):
        door = Worker(tensor_folder).door()
        door.come(before)
        door.come(GET[:10])
        answered = len(door.wire.written)
        door.look(70)
        head, _, body = door.wire.written[answered].partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        assert b"connection: close" in head.lower()
        assert json.loads(body)["code"] == "too_slow"
        assert door.wire.closed


@pytest.mark.parametrize("waiting", [1, LOOKED_AT + 9])
@pytest.mark.parametrize("taken", [False, True])
def test_a_listener_that_is_shut_answers_who_waits_and_refuses_others(waiting, taken):
    """Who has connected is not thrown away with the queue, and nobody else gets into it."""
    with listening.claim("127.0.0.1", 0) as claimed:
        (bound,) = listening.bound("127.0.0.1", claimed.getsockname()[1:])
    parents = socket.socket(fileno=bound.dup().detach())
    address = bound.getsockname()

    async def play(stack):
        listener = Listener(Reader(), bound, most=999)
        serving = asyncio.create_task(listener.serve())
        await asyncio.sleep(0)
        peers = []
        for _ in range(waiting):
            peers.append(stack.enter_context(socket.create_connection(address, timeout=30)))
        await asyncio.sleep(0.05 * taken)
        for peer in peers:
            peer.sendall(POST + HELLO)
        listener.shut()
        listener.end()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        answers = [await asyncio.to_thread(peer.recv, 1 << 16) for peer in peers]
        for peer in peers[1:]:
            peer.close()
        # who keeps the connection and says no more is left alone, but not for ever
        await asyncio.wait_for(serving, 30)
        return answers

    with parents, contextlib.ExitStack() as stack:
        answers = asyncio.run(play(stack))
        assert [one[9:12] for one in answers] == [b"200"] * waiting
        parents.listen()
        socket.create_connection(address).close()
