"""Clients that flood the server with frames, or lie about them: each is stopped within a bound."""

import itertools
from pathlib import Path

import pytest
from toy_grpc import METHOD, Client, infer
from toy_http2 import (
    END_HEADERS,
    END_STREAM,
    PADDED,
    PRIORITIZED,
    Peer,
    fields,
    frame,
    opening,
    settings,
    words,
)
from toy_running import Running
from toy_wire import packed

MANY = 20_000
ALLOWED = 8 << 20
"""Bytes of memory by which a flood may make the server larger."""


def each(make, first=1, step=2):
    """So many frames for streams of their own."""
    return (make(number) for number in itertools.islice(itertools.count(first, step), MANY))


def opened(*frames):
    """A call that is open, and what follows, again and again."""
    return itertools.chain([opening(1)], itertools.repeat(b"".join(frames), MANY))


BOMB = b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000
"""A field of 4000 bytes that goes into the table; then every byte stands for it."""

CALM = {
    "rapid resets": lambda: each(lambda n: opening(n) + frame("RST_STREAM", words(8), n)),
    "resets that are provoked": lambda: each(
        lambda n: opening(n) + frame("WINDOW_UPDATE", words(0), n)
    ),
    "pings": lambda: itertools.repeat(frame("PING", b"12345678"), MANY),
    "answers to no ping": lambda: itertools.repeat(frame("PING", b"12345678", flags=1), MANY),
    "settings": lambda: itertools.repeat(settings(), MANY),
    "settings of all streams": lambda: itertools.repeat(settings(window=1, frame=16384), MANY),
    "priorities": lambda: itertools.repeat(frame("PRIORITY", b"\0\0\0\0\1", 3), MANY),
    "unknown frames": lambda: itertools.repeat(frame("UNKNOWN", b"x"), MANY),
    "windows": lambda: itertools.repeat(frame("WINDOW_UPDATE", words(1)), MANY),
    "windows of a stream": lambda: opened(frame("WINDOW_UPDATE", words(1), 1)),
    "empty data": lambda: opened(frame("DATA", b"", 1)),
    "nothing but padding": lambda: opened(frame("DATA", b"\xff" + b"\0" * 255, 1, PADDED)),
    "single bytes": lambda: opened(frame("DATA", b"\0", 1)),
    "continuations": lambda: itertools.chain(
        [frame("HEADERS", b"", 1)], itertools.repeat(frame("CONTINUATION", b"", 1), MANY)
    ),
    "long continuations": lambda: itertools.chain(
        [frame("HEADERS", b"", 1)], itertools.repeat(frame("CONTINUATION", b"\0" * 16384, 1), 99)
    ),
    "a header bomb": lambda: [frame("HEADERS", BOMB + b"\xbe" * 12_000, 1, END_HEADERS)],
    "large metadata": lambda: [opening(1, more="x" * 16_200)],
}


def memory(server):
    """Bytes that the workers of a server take, files that they map aside."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = [
        line
        for one in children
        for line in Path(f"/proc/{one}/status").read_text().splitlines()
        if line.startswith("RssAnon")
    ]
    return sum(int(line.split()[1]) << 10 for line in lines)


@pytest.mark.parametrize("flood", CALM)
def test_floods_are_ended(tensor_server, flood):
    """ENHANCE_YOUR_CALM, no memory is kept, and others are answered."""
    before = memory(tensor_server)
    with Peer(tensor_server) as peer:
        for some in CALM[flood]():
            if not peer.send(some):
                break
        assert peer.end() in ("ENHANCE_YOUR_CALM", "closed")
    with Client(tensor_server) as client:
        assert client.raw(METHOD + "ServerLive")[0] == b"\x08\x01"
    assert memory(tensor_server) < before + ALLOWED


def test_the_reason_is_told(tensor_server):
    """To a client that listens."""
    with Peer(tensor_server) as peer:
        peer.send(frame("PING", b"12345678") * 5000)
        assert peer.end() == "ENHANCE_YOUR_CALM"


WRONG = {
    "a frame of 16 MB": (frame("DATA", b"x", 1, length=(1 << 24) - 1), "FRAME_SIZE_ERROR"),
    "a frame of 16 KiB and 1": (frame("HEADERS", b"", 1, length=16385), "FRAME_SIZE_ERROR"),
    "a stream of the server": (opening(2), "PROTOCOL_ERROR"),
    "data of no stream": (frame("DATA", b"x", 5), "PROTOCOL_ERROR"),
    "data of stream 0": (frame("DATA", b"x"), "PROTOCOL_ERROR"),
    "a reset of no stream": (frame("RST_STREAM", words(8), 5), "PROTOCOL_ERROR"),
    "a window of no stream": (frame("WINDOW_UPDATE", words(8), 5), "PROTOCOL_ERROR"),
    "a short ping": (frame("PING", b"123"), "FRAME_SIZE_ERROR"),
    "a ping of a stream": (frame("PING", b"12345678", 1), "PROTOCOL_ERROR"),
    "a short parting": (frame("GOAWAY", words(0) + b"\0\0\0"), "FRAME_SIZE_ERROR"),
    "odd settings": (frame("SETTINGS", b"12345"), "FRAME_SIZE_ERROR"),
    "a wide window": (settings(window=1 << 31), "FLOW_CONTROL_ERROR"),
    "two wide windows": (frame("WINDOW_UPDATE", words((1 << 31) - 1)), "FLOW_CONTROL_ERROR"),
    "a small frame": (settings(frame=100), "PROTOCOL_ERROR"),
    "another push": (settings(push=2), "PROTOCOL_ERROR"),
    "a promise": (frame("PUSH_PROMISE", words(2), 1, END_HEADERS), "PROTOCOL_ERROR"),
    "a lone continuation": (frame("CONTINUATION", b"", 1, END_HEADERS), "PROTOCOL_ERROR"),
    "something between": (frame("HEADERS", b"", 1) + frame("PING", b"1" * 8), "PROTOCOL_ERROR"),
    "too much padding": (opening(1) + frame("DATA", b"\5ab", 1, PADDED), "PROTOCOL_ERROR"),
    "fields of nothing": (frame("HEADERS", b"\xff\xff", 1, END_HEADERS), "COMPRESSION_ERROR"),
    "a cut priority": (frame("HEADERS", b"\0", 1, END_HEADERS | PRIORITIZED), "FRAME_SIZE_ERROR"),
    "a stream again": (
        opening(1, "/a.B/C", ended=True) + opening(1, "/a.B/C", ended=True),
        "STREAM_CLOSED",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_frames_that_are_wrong_end_the_connection(tensor_server, wrong):
    """With the code that RFC 9113 has for it, as soon as it can be seen."""
    data, code = WRONG[wrong]
    with Peer(tensor_server) as peer:
        peer.send(data)
        assert peer.end() == code


MALFORMED = {
    "no path": fields(path=""),
    "a field of connections": fields(connection="close"),
    "another te": fields(te="gzip"),
    "large letters": fields() + b"\0\1A\1b",
    "a pseudo field too late": fields() + b"\x83",
}


@pytest.mark.parametrize("wrong", MALFORMED)
def test_malformed_calls_end_alone(tensor_server, wrong):
    """Their stream is reset; the next one is answered."""
    with Peer(tensor_server) as peer:
        peer.send(frame("HEADERS", MALFORMED[wrong], 1, END_HEADERS | END_STREAM))
        assert peer.reset(1) == "PROTOCOL_ERROR"
        peer.send(opening(3, METHOD + "ServerLive"))
        peer.send(frame("DATA", b"\0" * 5, 3, END_STREAM))
        assert peer.until("DATA", 3)[1] == b"\0\0\0\0\2\x08\1"


def test_a_call_is_answered_however_its_frames_are_cut(tensor_server):
    """Fields in parts, padding, priorities, single bytes, and trailers behind the message."""
    block, message = fields(METHOD + "ServerLive"), b"\0" * 5
    with Peer(tensor_server) as peer:
        whole = frame("HEADERS", b"\3\0\0\0\0\7" + block[:9] + b"\0\0\0", 1, PADDED | PRIORITIZED)
        whole += frame("CONTINUATION", block[9:], 1, END_HEADERS)
        whole += frame("DATA", b"\2" + message[:2] + b"\0\0", 1, PADDED)
        whole += frame("DATA", message[2:], 1)
        whole += frame("HEADERS", b"\0\1a\1b", 1, END_HEADERS | END_STREAM)
        for place in range(len(whole)):
            peer.send(whole[place : place + 1])
        assert peer.until("DATA", 1)[1] == b"\0\0\0\0\2\x08\1"
        assert peer.until("HEADERS", 1)[0] & END_STREAM


def test_a_client_whose_calls_are_refused_may_go_on(tensor_server):
    """Each is an answer, as if it had been a good one: what clients ask beside calls goes on too.

    Those of grpc ask by pings how wide the line is, and cut messages into pieces.
    """
    with Peer(tensor_server) as peer:
        refused = refusals(peer)
        for first in range(1, 6001, 100):
            for number in range(first, first + 100, 2):
                peer.send(opening(number) + frame("PING", b"12345678"))
                peer.send(frame("DATA", b"\0\0", number) + frame("DATA", b"\0" * 3, number, 1))
            assert len(list(itertools.islice(refused, 50))) == 50
        peer.send(opening(9001, METHOD + "ServerLive"))
        peer.send(frame("DATA", b"\0" * 5, 9001, END_STREAM))
        assert peer.until("DATA", 9001)[1] == b"\0\0\0\0\2\x08\1"


def test_half_sent_messages_take_no_more_than_the_room(tensor_folder, tmp_path):
    """Those that find none are turned away; when the client leaves, all of it is free again."""
    settings = {"SEALIFT_MAX_BODY": "4000000", "SEALIFT_WORKERS": "1"}
    room = 32 << 20
    with Running(
        tensor_folder, tmp_path / "log", grpc=True, SEALIFT_MAX_BODIES=str(room), **settings
    ) as server:
        server.ready()
        before = memory(server)
        peers = [Peer(server) for _ in range(4)]
        for peer in peers:
            for number in range(1, 81, 2):
                peer.send(opening(number) + frame("DATA", b"\0" + words(3_900_000), number))
                peer.send(frame("DATA", b"x" * 16384, number) * 60)
        refused = {content for peer in peers for content in itertools.islice(refusals(peer), 1)}
        assert refused
        assert memory(server) < before + 2 * room
        with Client(server) as client:
            row = infer([("X", "FP32", [1, 3], packed([0.5, 1.0, -1.5], "f4"))])
            for peer in peers:
                peer.socket.close()
            server.wait_for(lambda: "sealift_body_bytes 0\n" in server.client.get("/metrics").text)
            assert client.stub.ModelInfer(row, timeout=30).raw_output_contents


def refusals(peer):
    """Answers without a message, which are refusals."""
    for kind, flags, _, content in peer.frames():
        if kind == "HEADERS" and flags & END_STREAM:
            yield content


def test_answers_that_nobody_takes_are_held_within_the_room(tensor_folder, tmp_path):
    """A client that gives no window: once the room is full its calls are refused or given up."""
    with Running(
        tensor_folder,
        tmp_path / "log",
        grpc=True,
        SEALIFT_WORKERS="1",
        SEALIFT_MAX_BODY="200000",
        SEALIFT_MAX_BODIES="300000",
    ) as server:
        server.ready()
        rows = 4000
        asked = infer([("X", "FP32", [rows, 3], b"\0" * 12 * rows)]).SerializeToString()
        body = b"\0" + words(len(asked)) + asked
        with Peer(server, window=0) as peer:
            for number in range(1, 61, 2):
                peer.send(opening(number))
                pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)]
                for piece in pieces[:-1]:
                    peer.send(frame("DATA", piece, number))
                peer.send(frame("DATA", pieces[-1], number, END_STREAM))
            code = next(content for kind, _, _, content in peer.frames() if kind == "RST_STREAM")
            held = server.client.get("/metrics").text.partition("\nsealift_body_bytes ")[2]
        assert code in (words(0), words(11))
        assert 100_000 < float(held.split()[0]) <= 300_000
        server.wait_for(lambda: "sealift_body_bytes 0\n" in server.client.get("/metrics").text)
