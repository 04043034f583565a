"""Requests as RFC 9110 and 9112 allow them, though nobody sends such, to a real server."""

import json
import socket

import pytest
from test_bad_requests import GOOD

BODY = json.dumps({"rows": [GOOD]}).encode()
CHUNK = b"%x" % len(BODY)
LIVE = b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
GETS = ("/metrics", "/openapi.json", "/docs", "/v2", "/v2/health/live", "/v2/health/ready")
MODEL = ("/v2/models/stats", "/v2/models/toy", "/v2/models/toy/config", "/v2/models/toy/ready")
POSTS = ("/predict", "/v2/models/toy/infer", "/v2/repository/index")


def headed(line, *fields, body=b""):
    """A request with these fields."""
    return b"\r\n".join([line + b" HTTP/1.1", b"host: a", *fields, b"", b""]) + body


def posted(*fields, body=BODY):
    """A good request for a prediction with further fields."""
    return headed(b"POST /predict", b"content-length: %d" % len(body), *fields, body=body)


def chunked(body, *fields):
    """The same in chunks, which are given."""
    return headed(b"POST /predict", b"transfer-encoding: chunked", *fields, body=body)


def told(server, *pieces):
    """The head and the body of the first answer, and whether a request behind it was answered.

    Of several pieces each but the first is sent once something has come.
    """
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(pieces[0])
        said = b""
        for piece in pieces[1:]:
            said += client.recv(1 << 16)
            client.sendall(piece)
        client.sendall(LIVE)
        while more := client.recv(1 << 16):
            said += more
    head, _, body = said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    return head.lower(), body.partition(b"HTTP/1.1")[0], body.endswith(b'{"live":true}')


GOES_ON = {
    "absolute form": (headed(b"GET http://other:1/v2/health/live?a"), 200),
    "absolute form of a scheme that is not served": (headed(b"GET https://b/v2"), 200),
    "absolute form without a path": (headed(b"GET http://b?/v2"), 404),
    "the server as a whole": (headed(b"OPTIONS *"), 200),
    "a method that means nothing here": (headed(b"PROPFIND /v2"), 405),
    "a tunnel": (headed(b"CONNECT a:80"), 404),
    "a trace": (headed(b"TRACE /v2"), 405),
    "empty lines before it": (b"\r\n\r\n" + headed(b"GET /v2"), 200),
    "a body for GET": (headed(b"GET /v2", b"content-length: 3", body=b"abc"), 200),
    "a body for HEAD": (headed(b"HEAD /v2", b"content-length: 3", body=b"abc"), 200),
    "an empty host": (b"GET /v2 HTTP/1.1\r\nhost:\r\n\r\n", 200),
    "an offer of another protocol": (posted(b"connection: upgrade", b"upgrade: h2c"), 200),
    "a body that nobody waits for": (posted(b"expect: 100-continue"), 200),
    "an expectation that is not known": (posted(b"expect: 200-maybe"), 200),
    "a chunk": (chunked(CHUNK + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), 200),
    "zeros before a length": (chunked(b"00" + CHUNK + b"\r\n" + BODY + b"\r\n00\r\n\r\n"), 200),
    "extensions of chunks": (
        chunked(CHUNK + b';a=b;c="d e"\r\n' + BODY + b"\r\n0;e\r\n\r\n"),
        200,
    ),
    "trailers": (
        chunked(CHUNK + b"\r\n" + BODY + b"\r\n0\r\na: 1\r\nb: 2\r\n\r\n", b"trailer: a"),
        200,
    ),
    "a field without a value": (posted(b"a:"), 200),
    "bytes beyond ASCII in a value": (posted(b"a: \xff\xfe"), 200),
    "what is accepted in two lines": (posted(b"accept: text/html", b"accept: text/csv"), 200),
    "two content types": (posted(b"content-type: text/csv", b"content-type: text/csv"), 415),
    "two codings": (posted(b"content-encoding: identity", b"content-encoding: gzip"), 415),
}


@pytest.mark.parametrize("case", GOES_ON)
def test_what_is_odd_but_legal_is_answered_and_the_connection_goes_on(columns_server, case):
    """With the status that is right, and a reason where it is a refusal."""
    request, status = GOES_ON[case]

    head, body, goes_on = told(columns_server, request)

    assert head.startswith(b"http/1.1 %d " % status)
    assert goes_on
    assert status < 400 or set(json.loads(body)) <= {"error", "code", "path"}


ENDS = {
    "a folded field": posted(b"a: b\r\n c"),
    "a folded field at the beginning": b"GET /v2 HTTP/1.1\r\n host: a\r\n\r\n",
    "a blank before a colon": posted(b"a : b"),
    "a field without a colon": posted(b"a"),
    "a control character": posted(b"a: \x01"),
    "two lengths": posted(b"content-length: %d" % len(BODY)),
    "a length and chunks": posted(b"transfer-encoding: chunked"),
    "a coding that is not known": headed(b"POST /predict", b"transfer-encoding: gzip, chunked"),
    "two hosts": headed(b"GET /v2", b"host: a"),
    "no host": b"GET /v2 HTTP/1.1\r\n\r\n",
    "what is no host": b"GET /v2 HTTP/1.1\r\nhost: a b\r\n\r\n",
    "a method that is none": headed(b"get /v2"),
    "another version": b"GET /v2 HTTP/1.2\r\nhost: a\r\n\r\n",
    "a chunk that is none": chunked(b"x\r\n"),
    "a length in the trailers": chunked(b"0\r\ncontent-length: 5\r\n\r\n"),
}


@pytest.mark.parametrize("case", ENDS)
def test_what_is_no_request_is_told_so_and_nothing_behind_it_is_read(columns_server, case):
    """400 with a reason, and the end of the connection: where the next begins is not known."""
    head, body, goes_on = told(columns_server, ENDS[case])

    assert head.startswith(b"http/1.1 400 ")
    assert b"\r\nconnection: close" in head
    assert set(json.loads(body)) == {"error", "code"}
    assert not goes_on


@pytest.mark.parametrize("path", [*GETS, *MODEL, *POSTS, "/nothing"])
def test_head_is_answered_on_each_route_without_a_body(columns_server, path):
    """As GET is, or with 405 and what is right; what follows is the next answer."""
    request = headed(b"HEAD " + path.encode())

    head, body, goes_on = told(columns_server, request)

    status = 405 if path in POSTS else 404 if path == "/nothing" else 200
    assert head.startswith(b"http/1.1 %d " % status)
    assert body == b""
    assert goes_on
    assert (b"\r\nallow: post\r\n" in head) is (status == 405)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (posted(b"expect: 100-continue"), BODY),
        (posted(b"expect: 100-continue", b"Expect: 100-Continue"), BODY),
        (chunked(b"", b"expect: 100-continue"), CHUNK + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    ],
)
def test_who_waits_to_be_told_to_send_is_told(columns_server, head, body):
    """Also where that is said twice, and for chunks."""
    answer, _, goes_on = told(columns_server, head.removesuffix(BODY), body)

    assert answer.startswith(b"http/1.1 200 ")
    assert goes_on


def test_of_what_is_accepted_in_two_lines_the_best_is_chosen(columns_server):
    """The lines are one list (RFC 9110, 5.2)."""
    head, body, _ = told(columns_server, posted(b"accept: text/html", b"accept: text/csv"))

    assert b"\r\ncontent-type: text/csv\r\n" in head
    assert body.startswith(b"id,prediction,flags\r\n")
