"""What clients do to connections by raw sockets: each is answered or closed within a bound."""

import contextlib
import json
import resource
import socket
import time

import pytest

from benchmarks.serving.fuzz.wire import resident

BODY = json.dumps({"rows": [{"a": 0.1, "b": 0.2, "c": 0.3}]}).encode()
LINE = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
WHOLE = LINE + f"content-length: {len(BODY)}\r\n\r\n".encode() + BODY
BOUND = 10.0
"""Seconds within which a connection must come to something."""


def opened(server):
    """A connection."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=BOUND)


def until_closed(connection):
    """All that comes before the server closes."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            said += piece
    return said


def statuses(said):
    """The statuses of the answers, one after the other."""
    found = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        found.append(int(head[9:12]))
        lengths = [one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length")]
        said = rest[int(lengths[0].partition(b":")[2]) if lengths else 0 :]
    return found


def lives(server):
    """It answers as ever, and nothing counts as its own failure."""
    assert server.post(BODY).status_code == 200
    said = server.client.get("/metrics").text.splitlines()
    # a server that is not ready yet says so by 503, to nobody but those who ask for that
    assert not [one for one in said if 'status="5' in one and 'route="ready"' not in one]


def sent(connection, content):
    """Send as much as is taken: a server may close before the end."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(content)


def end(connection):
    """Tell that no more comes, unless the server has closed already."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    "head",
    [
        LINE + b"x-long: " + b"a" * 2_000_000 + b"\r\n\r\n",
        LINE + b"".join(b"x-%d: 1\r\n" % number for number in range(5000)) + b"\r\n",
        b"POST /" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500 + b"\r\n\r\n",
        b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n",
    ],
    ids=["long", "many", "path", "bad", "tls", "other"],
)
def test_headers_that_are_too_much_or_none_are_refused_and_closed(tensor_server, head):
    """A status from 400 to 499 or nothing, and the end."""
    with opened(tensor_server) as connection:
        sent(connection, head)
        end(connection)
        said = until_closed(connection)

    assert all(400 <= one < 500 for one in statuses(said)), said[:200]
    lives(tensor_server)


@pytest.mark.parametrize(
    "fields",
    [
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: -1\r\n",
        b"content-length: 1e3\r\n",
        b"content-length: 99999999999999999999999\r\n",
        b"transfer-encoding: nonsense\r\n",
        b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ],
)
def test_lengths_that_mean_nothing_are_refused_and_closed(tensor_server, fields):
    """What follows is never read as a request of its own."""
    with opened(tensor_server) as connection:
        sent(connection, LINE + fields + b"\r\n" + b"{}   " + WHOLE)
        end(connection)
        said = statuses(until_closed(connection))

    assert len(said) <= 1
    assert all(400 <= one < 500 for one in said), said
    lives(tensor_server)


def test_two_lengths_for_one_body_make_no_second_request(tensor_server):
    """Chunks win over a length, as the standard has it, or all is refused; then it closes or goes
    on after the last chunk: a request hidden behind the shorter of both is never answered."""
    hidden = b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n"
    body = b"%x\r\n" % (len(BODY) + len(hidden)) + BODY + hidden + b"\r\n0\r\n\r\n"
    fields = f"content-length: {len(BODY)}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    with opened(tensor_server) as connection:
        sent(connection, LINE + fields + body)
        end(connection)
        said = statuses(until_closed(connection))

    assert len(said) <= 1
    assert 200 not in said
    lives(tensor_server)


def test_a_body_that_is_shorter_than_told_is_given_up_when_the_client_ends(tensor_server):
    """No answer is owed; the connection is not kept."""
    with opened(tensor_server) as connection:
        connection.sendall(LINE + b"content-length: 1000\r\n\r\n{")
        end(connection)
        said = until_closed(connection)

    assert all(400 <= one < 500 for one in statuses(said)), said
    lives(tensor_server)


def test_a_body_that_is_longer_than_told_is_no_request(tensor_server):
    """The first is answered, what is left over is refused and ends the connection."""
    with opened(tensor_server) as connection:
        connection.sendall(WHOLE + b"and more\r\n\r\n")
        said = statuses(until_closed(connection))

    assert said[0] == 200
    assert said[1:] in ([], [400])
    lives(tensor_server)


def test_requests_that_come_all_at_once_are_answered_in_their_order(tensor_server):
    """Fifty in one packet: good ones, wrong paths, wrong methods."""
    lost = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n"
    wrong = b"GET /predict HTTP/1.1\r\nhost: x\r\n\r\n"
    last = WHOLE.replace(b"host: x", b"host: x\r\nconnection: close")
    with opened(tensor_server) as connection:
        connection.sendall((WHOLE + lost + wrong) * 17 + last)
        said = statuses(until_closed(connection))

    assert said == [200, 404, 405] * 17 + [200]
    lives(tensor_server)


def test_who_asks_what_the_server_can_do_is_told_its_methods(tensor_server):
    """200 without a body, as RFC 9110 (9.3.7) has it for the server as a whole; for any other
    method the path of the whole server is no place."""
    with opened(tensor_server) as connection:
        for method in (b"OPTIONS", b"GET", b"OPTIONS"):
            connection.sendall(method + b" * HTTP/1.1\r\nhost: x\r\n\r\n")
        end(connection)
        said = until_closed(connection)

    first, second, third = said.replace(b"HTTP/1.1 ", b"\0").split(b"\0")[1:]
    for one in (first, third):
        head, _, body = one.partition(b"\r\n\r\n")
        assert head.startswith(b"200 OK")
        assert {b"allow: GET, HEAD, POST, OPTIONS", b"content-length: 0"} <= set(
            head.split(b"\r\n")
        )
        assert b"content-type" not in head
        assert body == b""
    assert second.startswith(b"405 ")
    assert b"\r\nallow: OPTIONS\r\n" in second


def test_a_request_that_comes_byte_by_byte_is_answered(tensor_server):
    """Slow is not wrong, as long as it is within the bounds of time."""
    with opened(tensor_server) as connection:
        for place in range(len(WHOLE)):
            connection.sendall(WHOLE[place : place + 1])
            if place % 20 == 0:
                time.sleep(0.001)
        answer = connection.recv(1 << 16)

    assert answer.startswith(b"HTTP/1.1 200")


def test_a_client_that_reads_nothing_holds_up_nobody(tensor_server):
    """Its answers pile up at its own connection alone, and are bounded."""
    with opened(tensor_server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(1.0)
        before = resident(lambda: [tensor_server.process.pid])
        page = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 2000
        with contextlib.suppress(TimeoutError):
            for _ in range(20):
                connection.sendall(page)
        lives(tensor_server)
        assert resident(lambda: [tensor_server.process.pid]) - before < 32 << 20


def test_thousands_of_idle_connections_cost_little_and_shut_nobody_out(tensor_server):
    """As many as the limit of open files lets this process have, 3,000 at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(3000, hard - 200)
    idle = []
    try:
        idle = [opened(tensor_server) for _ in range(count)]
        for connection in idle[::2]:
            connection.sendall(LINE)
        lives(tensor_server)
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    lives(tensor_server)
