"""Downloads: faults that pass are survived, those that do not are said, wrong bytes never kept."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sealift.errors import SourceError
from sealift.network.network import Network
from sealift.package.fetch import Fetcher, MissingError

CONTENT = b"content" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next line of the server's script."""

    def do_GET(self):
        """A status; 'short' promises more than it sends, 'drop' closes the connection."""
        self.server.asked += 1
        answer = self.server.script.pop(0) if self.server.script else 200
        if answer == "drop":
            self.close_connection = True
            return
        body = CONTENT if answer in (200, "short") else b"no"
        self.send_response(200 if answer == "short" else answer)
        self.send_header("Content-Length", str(len(body) * (2 if answer == "short" else 1)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    """A server on the loopback; ``script`` are its next answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.script, made.asked = [], 0
        made.url = f"http://127.0.0.1:{made.server_port}/file"
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def fetcher(tmp_path):
    """Downloads to an empty cache, with no pauses."""
    with Fetcher(tmp_path / "cache", Network(), pause=0) as made:
        yield made


@pytest.mark.parametrize("fault", [500, 503, 429, "drop", "short"])
def test_a_fault_that_passes_is_survived(server, fetcher, fault):
    """Twice, in any way that servers fail."""
    server.script = [fault, fault]
    assert fetcher.file(server.url, SHA256).read_bytes() == CONTENT
    assert server.asked == 3


def test_a_fault_that_stays_is_said_after_four_attempts(server, fetcher):
    """With the address and what was last seen."""
    server.script = [503] * 9
    with pytest.raises(SourceError, match=r"4 attempts: status 503.*file"):
        fetcher.file(server.url, SHA256)
    assert server.asked == 4


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_missing_file_is_not_asked_for_again(server, fetcher, status):
    """Nor is a request that the server refuses."""
    server.script = [status]
    with pytest.raises(MissingError):
        fetcher.file(server.url, SHA256)
    assert server.asked == 1


def test_wrong_bytes_are_not_kept(server, fetcher, tmp_path):
    """Whatever the server says they are."""
    with pytest.raises(SourceError, match="digest"):
        fetcher.file(server.url, "0" * 64)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_file_is_downloaded_once_and_again_when_it_is_damaged(server, fetcher):
    """A flipped bit in the cache is noticed."""
    path = fetcher.file(server.url, SHA256)
    assert fetcher.file(server.url, SHA256) == path
    assert server.asked == 1
    path.write_bytes(b"X" + CONTENT[1:])
    assert fetcher.file(server.url, SHA256).read_bytes() == CONTENT
    assert server.asked == 2


def test_nobody_at_the_address_is_said(tmp_path):
    """A port that nothing listens on."""
    with (
        Fetcher(tmp_path, Network(), pause=0) as fetcher,
        pytest.raises(SourceError, match="no way to the source"),
    ):
        fetcher.text("http://127.0.0.1:9/dists")


def test_files_of_the_machine_are_read(tmp_path, fetcher):
    """A mirror may be a folder."""
    (tmp_path / "a file").write_bytes(CONTENT)
    assert fetcher.file(f"file://{tmp_path}/a%20file", SHA256).read_bytes() == CONTENT
    with pytest.raises(MissingError):
        fetcher.text(f"file://{tmp_path}/none")
