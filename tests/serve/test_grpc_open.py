"""Calls that clients open and do not end: there is a bound for all, and a share for each."""

import gc

import pytest
from test_grpc_floods import memory
from test_grpc_turns import House, frame, opening, played  # noqa: F401  a fixture
from toy_grpc import METHOD, Client, infer
from toy_http2 import CODES, END_STREAM, Peer, words
from toy_running import Running
from toy_wire import packed

from sealift.serve.rpc.shares import OWN, SHARED, STREAMS, Shares

CROWD = 40
"""Connections that open all they can: together more than there may be."""

LIGHT = 32 << 20
"""Bytes of memory that all open calls may take."""

STREAM = METHOD + "ModelStreamInfer"
ASKED = infer([("X", "FP32", [1, 3], packed([0.5, 1.0, -1.5], "f4"))])
BODY = ASKED.SerializeToString()
MESSAGE = b"\0" + words(len(BODY)) + BODY


@pytest.fixture(scope="module")
def server(tensor_folder, tmp_path_factory):
    """One worker."""
    log = tmp_path_factory.mktemp("open") / "log"
    with Running(tensor_folder, log, grpc=True, SEALIFT_WORKERS="1") as running:
        yield running.ready()


def measured(server, name):
    """A metric of the server."""
    found = [
        line.split()[1]
        for line in server.client.get("/metrics").text.splitlines()
        if line.startswith(name)
    ]
    return float(found[0]) if found else 0.0


def opens(peer, count, first=1):
    """Let a client open so many streams; the codes of those that were refused."""
    for at in range(first, first + 2 * count, 128):
        numbers = range(at, min(at + 128, first + 2 * count), 2)
        if not peer.send(b"".join(opening(number, STREAM) for number in numbers)):
            break
    peer.send(frame("PING", b"everyone"))
    refused = []
    for kind, flags, _, content in peer.frames():
        if kind == "RST_STREAM":
            refused.append(CODES[int.from_bytes(content, "big")])
        if kind == "PING" and flags and content == b"everyone":
            return refused
    raise AssertionError("the connection ended")


def test_open_calls_are_bounded_for_all_clients_together(server):
    """Those beyond are refused unseen, so that clients may send them again; memory has a bound,
    others are answered meanwhile, and all may be opened once the crowd has left."""
    before, refused = memory(server), measured(server, 'sealift_refused_total{code="overloaded"')
    crowd = [Peer(server) for _ in range(CROWD)]
    codes = [code for peer in crowd for code in opens(peer, STREAMS)]
    held = measured(server, "sealift_in_flight")
    assert set(codes) == {"REFUSED_STREAM"}
    assert SHARED <= held <= SHARED + OWN * CROWD + 1
    assert held + len(codes) == pytest.approx(CROWD * STREAMS, abs=1)
    assert measured(server, 'sealift_refused_total{code="overloaded"') == refused + len(codes)
    assert memory(server) < before + LIGHT
    with Client(server) as client:
        assert client.stub.ModelInfer(ASKED, timeout=30).raw_output_contents
    for peer in crowd:
        peer.socket.close()
    server.wait_for(lambda: measured(server, "sealift_in_flight") <= 1)
    with Peer(server) as peer:
        assert opens(peer, STREAMS) == []


def test_a_client_of_few_calls_is_never_refused(server):
    """Not beside a crowd that has taken all that is shared, nor after calls that it has ended."""
    crowd = [Peer(server) for _ in range(CROWD)]
    for peer in crowd:
        opens(peer, STREAMS)
    with Peer(server) as little:
        assert opens(little, OWN) == []
        assert opens(little, 1, first=99) == ["REFUSED_STREAM"]
        little.send(frame("RST_STREAM", words(8), 1))
        for number in range(101, 131, 2):
            little.send(opening(number) + frame("DATA", MESSAGE, number, END_STREAM))
            assert little.until("DATA", number)[1].count(b"toy")
    for peer in crowd:
        peer.socket.close()
    server.wait_for(lambda: measured(server, "sealift_in_flight") <= 1)


def test_clients_that_open_at_the_same_time_get_equal_shares():
    """As many are left as each of them has, for whoever comes next."""
    shares, held = Shares(), [0] * 63
    while True:
        turns = [one for one in range(63) if shares.admits(held[one])]
        if not turns:
            break
        for one in turns:
            held[one] += 1
            shares.open += 1
    assert max(held) - min(held) <= 1
    assert SHARED - sum(held) == pytest.approx(SHARED / 64, abs=63)


def test_an_open_stream_is_few_objects_to_the_collector(played):  # noqa: F811
    """It looks at them again and again: the stream, its call, its requests, and no more."""

    async def scene(house: House):
        client = await house.client()
        client.read(opening(1, STREAM))
        gc.collect()
        before = len(gc.get_objects())
        await client.takes(b"".join(opening(number, STREAM) for number in range(3, 1003, 2)))
        gc.collect()
        return (len(gc.get_objects()) - before) / 500, house.desk.shares.open

    each, opened = played(scene)
    assert opened == 501
    assert each < 4.5
