"""Clients that are lent to a turnstile: how their heads are read, and whose turn it is."""

import asyncio
import contextlib
import errno
import select
import socket

import pytest
from toy_street import played
from toy_worker import ROWS, Worker, infer, posted, same

from benchmarks.serving.tools import lent
from sealift.serve.gate import Gate
from sealift.serve.http.answers import Client
from sealift.serve.http.head import Heads
from sealift.serve.ticket import issued
from sealift.serve.turn import Loop
from sealift.serve.turnstile import Turnstile

HEAD = posted(infer(ROWS[0]))[: -len(infer(ROWS[0]))]


@pytest.fixture
def worker(tensor_folder):
    """A worker with a model that adds three numbers up."""
    return Worker(tensor_folder)


def paired(stack, count):
    """Pairs of sockets, which are closed with the stack."""
    pairs = [socket.socketpair() for _ in range(count)]
    for one, other in pairs:
        stack.enter_context(one)
        stack.enter_context(other)
    return pairs


def headed(*fields):
    """A plain request with a head of these fields after the others."""
    head, _, body = posted(infer(ROWS[0])).partition(b"\r\n\r\n")
    return b"\r\n".join([head, *fields, b"", b""]) + body


HEADS = [
    (headed(b"x-request-id:one"), headed(b"x-request-id:two")),
    (headed(b"X-Request-ID:\tone"), headed(b"X-Request-ID:\ttwo")),
    (headed(b"x-request-id:  one"), headed(b"x-request-id:  two")),
    (headed(b"x-request-id: one "), headed(b"x-request-id: two ")),
    (headed(b"x-request-id:"), headed(b"x-request-id:two")),
    (
        headed(b"x-request-id:one", b"x-request-id: one"),
        headed(b"x-request-id:one", b"x-request-id: two"),
    ),
    (
        headed(b"x-request-id: one", b"x-request-id:one"),
        headed(b"x-request-id: two", b"x-request-id:one"),
    ),
    (
        headed(b"x-request-id: one", b"connection: x-request-id"),
        headed(b"x-request-id: two", b"connection: x-request-id"),
    ),
    (
        headed(b"x-request-id: one", b"connection: upgrade", b"upgrade: h2c"),
        headed(b"x-request-id: two", b"connection: upgrade", b"upgrade: h2c"),
    ),
    (headed(b"x-request-id: one"), headed(b"x-request-id: one", b" two")),
    (headed(b"x-other: 1"), headed(b"x-other: 1", b" two: 2")),
    (headed(b"x-other: 1", b"x-third: 2"), headed(b"x-other: 1\r", b"x-third: 2")),
    (headed(b"x-other: 1"), headed(b"x-other: 1\r")),
    (headed(b"x-other: 1"), headed(b"x-other: a\0b")),
    (headed(b"x-other: 1"), headed(b"x-other: a\x01b")),
    (headed(b"x-other: 1"), headed(b"x-other: a\x7fb")),
    (headed(b"x-other: 1"), headed(b"x-other: a\x80\xff\tb")),
    (headed(b"x-other: 1"), headed(b"x-other:")),
    (headed(b"x-other: 1"), headed(b"x-other: \x0b")),
    (headed(b"x-other: 1"), headed(b"x-other: " + b"a" * 70_000)),
    (headed(b"proxy-connection: keep-alive"), headed(b"proxy-connection: close")),
    (headed(b"connection: keep-alive"), headed(b"connection: close")),
    (headed(b"keep-alive: 1"), headed(b"keep-alive: 0")),
    (headed(b"upgrade: a"), headed(b"upgrade: h2c")),
    (headed(b"http2-settings: a"), headed(b"http2-settings: AAMAAABkAAQAoAAAAAIAAAAA")),
    (headed(b"te: trailers"), headed(b"te: gzip")),
    (headed(b"trailer: a"), headed(b"trailer: content-length")),
    (headed(b"accept: */*"), headed(b"accept: text/csv")),
    (headed(b"content-type: application/json"), headed(b"content-type: text/csv")),
    (headed(b"content-encoding: identity"), headed(b"content-encoding: gzip")),
    (headed(b"tracestate: a=1"), headed(b"tracestate: " + b"b" * 600)),
    (headed(b"expect: a"), headed(b"expect: 100-continue")),
    (headed(b"accept-encoding: br"), headed(b"accept-encoding: gzip")),
    (headed(b"x-sealift-timeout: 9"), headed(b"x-sealift-timeout: 0")),
    (headed(b"x-sealift-generation: 9"), headed(b"x-sealift-generation: x")),
    *(
        (
            headed(b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"),
            headed(b"traceparent:" + other),
        )
        for other in (
            b" 00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01",
            b" 00-" + b"a" * 32 + b"-" + b"0" * 16 + b"-01",
            b" 00-" + b"A" * 32 + b"-" + b"b" * 16 + b"-01",
            b" 00-" + b"c" * 32 + b"-" + b"b" * 16 + b"-00",
            b" 00-" + b"c" * 32 + b"-" + b"b" * 16 + b"-zz",
            b" ff-" + b"c" * 32 + b"-" + b"b" * 16 + b"-01",
            b" 01-" + b"c" * 32 + b"-" + b"b" * 16 + b"-01-more",
            b"00-" + b"c" * 32 + b"-" + b"b" * 16 + b"-01",
            b" 00-" + b"c" * 32 + b"-" + b"b" * 16 + b"-01 ",
            b" 00-" + b"c" * 32 + b"-" + b"b" * 16 + b"-0",
        )
    ),
    (headed(b"x-request-id: one"), headed(b"x-request-id: two\nx-other: 1")),
    (headed(b"x-request-id: one"), headed(b"x-request-id: two\rx-other: 1")),
    (headed(b"x-request-id: one"), headed(b"x-request-id: a\0b")),
    (headed(b"x-request-id: one"), headed(b"x-request-id : two")),
    (headed(), headed().replace(b"host: x\r\n", b"host: a b\r\n")),
    (headed(b"x-other: 1"), headed(b"accept: a\r\naccept: b")),
    (headed(b"x-other: 1"), headed(b"content-encoding: identity\r\ncontent-encoding: gzip")),
    (headed(b"x-other: 1"), headed(b"content-length : 0")),
    (headed(b"x-other: 1"), headed(b"content-length:0")),
    (headed(b"x-other: 1"), headed(b"transfer-encoding: chunked")),
]


@pytest.mark.parametrize(("usual", "then"), HEADS)
def test_a_head_means_the_same_to_a_turnstile(worker, usual, then):
    """Ids written in unusual ways, said twice or folded, and lengths that others read otherwise."""

    async def scene(street):
        told = []
        for ordinary in (True, False):
            client = await street.enter(lent=False, ordinary=ordinary)
            told.append([same(await client.ask(usual)) for _ in range(5)])
            client.out.write(then)
            client.out.write_eof()
            told[-1].append(same(await client.come.read()))
        return told

    ordinary, lent = played(worker, scene)
    assert lent == ordinary


def test_no_client_of_a_turnstile_waits_while_others_have_turn_after_turn(worker):
    """More clients ask again at once than there is room for in a turn."""
    request = posted(infer(*ROWS * 300))
    ticket = issued(worker.service, Heads().read(HEAD))
    gathering = worker.service.gathering
    with contextlib.ExitStack() as stack:
        epoll = stack.enter_context(select.epoll())
        pairs = paired(stack, 64)
        gate = Gate(gathering.code.twin(), epoll.fileno())
        assert gate.learn(ticket.raw, 0, "", "", None) == 0
        asks = {}
        for client, server in pairs:
            epoll.register(server.fileno(), select.EPOLLIN)
            client.sendall(request)
            asks[server.fileno()] = client
        waiting = set(asks)
        for turn in range(1, 65):
            took = gate.take(len(ROWS) * 300, 1 << 16, float(turn))
            assert took.returned == []
            files = [gate.request(number).file for number in range(took.taken)]
            assert turn > 1 or len(files) < 64
            waiting -= set(files)
            for file in files:
                asks[file].sendall(request)
    assert waiting == set()


class Ends(Client):
    """A client of a turnstile, at whose request the turnstile is closed."""

    def __init__(self, server):
        self.server = server
        self.keeper = None
        self.got = []

    lendable = True

    def lent(self, keeper):
        """Lend it."""
        self.keeper = keeper
        return self.server.fileno()

    def came(self, data):
        """Keep what it sent."""
        keeper, self.keeper = self.keeper, None
        if keeper is not None:
            data = keeper.leave(self) or data
        self.got.append(data)
        if data and keeper is not None:
            keeper.close()


def test_what_clients_sent_is_kept_where_the_request_of_one_ends_the_turnstile(worker):
    """All of it reaches their connections, each its own."""
    ticket = issued(worker.service, Heads().read(HEAD))

    async def scene(pairs):
        turnstile = Turnstile(
            worker.service.gathering,
            worker.app.express,
            asyncio.get_running_loop().turns,
            begun=("", ""),
            largest=1000,
            opened=lambda: True,
        )
        clients = [Ends(server) for _, server in pairs]
        for number, (client, (far, _)) in enumerate(zip(clients, pairs, strict=True)):
            turnstile.welcome(client, ticket)
            far.sendall(b"GET /%d\r\n\r\n" % number)
        failed = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: failed.append(told))
        await asyncio.sleep(0.05)
        turnstile.close()
        return clients, failed

    with contextlib.ExitStack() as stack, asyncio.Runner(loop_factory=Loop) as runner:
        clients, failed = runner.run(scene(paired(stack, 3)))
    assert failed == []
    assert [b"".join(one.got) for one in clients] == [b"GET /%d\r\n\r\n" % n for n in range(3)]


def test_damaged_requests_of_clients_that_are_lent_are_answered_as_on_the_ordinary_road(
    tensor_folder,
):
    """In pieces, several at once, cut off: a short form of the campaign."""
    found = lent.tried(320, 7, tensor_folder)
    assert found["faults"] == []
    assert 0 < found["good"] < 320


def test_a_client_whom_the_kernel_cannot_watch_stays_with_its_connection(worker):
    """As where a user's watches are used up; others are served on."""

    class Full:
        """Watches nobody any more."""

        def __init__(self, epoll):
            self.epoll = epoll

        def __getattr__(self, name):
            return getattr(self.epoll, name)

        def register(self, file, events):
            """Refuse."""
            raise OSError(errno.ENOSPC, "No space left on device")

    async def scene(street):
        before = await street.enter()
        (turnstile,) = worker.app.express._turnstiles.values()
        turnstile._epoll = Full(turnstile._epoll)
        client = await street.enter(lent=False)
        request = posted(infer(ROWS[0]))
        answers = [await one.ask(request) for one in (client, before) * 5]
        assert street.clients == 1
        return answers

    request = posted(infer(ROWS[0]))
    assert {same(one) for one in played(worker, scene)} == {same(worker.alone(request))}


def test_when_its_body_comes_alone_decides_whether_a_client_that_waits_is_closed(worker):
    """On the ordinary road itself; all else that differs between two answers is told."""
    fields = {"content-type": "text/csv", "expect": "100-continue"}
    head, gap, body = posted(infer(ROWS[0]), **fields).partition(b"\r\n\r\n")

    async def scene(street):
        answers = []
        for pieces in ([head + gap + body], [head + gap, body]):
            client = await street.enter(ordinary=True)
            answers.append(same(await client.ask(*pieces)))
        return answers

    whole, parted = played(worker, scene)
    assert (lent.CLOSES in whole, lent.CLOSES in parted) == (False, True)
    assert not lent.differ(whole, parted, waits=True)
    assert lent.differ(whole, parted)
    assert lent.differ(whole, parted.replace(b"415", b"400"), waits=True)
