"""What is no server of the protocol, or none at all, is told in a sentence, and holds nobody up."""

import socket
import threading
import time

import pytest

from network_servers import Company
from sealift.check.protocol.learn import learn
from sealift.check.protocol.rpc.learn import learn as learn_remote
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.server import Server
from sealift.errors import CheckError, MachineError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def closes(_):
    """Nothing is said."""


def hangs(_):
    """Nothing is said for a while."""
    time.sleep(3)


def rubbish(link):
    """What is no HTTP."""
    link.sendall(b"\x00\x01\xff\xfe no http\r\n\r\n")


def elsewhere(link):
    """A redirection."""
    place = b"Location: http://127.0.0.1:9/x\r\nContent-Length: 0\r\n\r\n"
    link.sendall(b"HTTP/1.1 302 Found\r\n" + place)


def web(link):
    """A page for people."""
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")


def trickle(link):
    """An answer that comes byte by byte."""
    link.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        link.sendall(b"x")
        time.sleep(0.05)


def endless(link):
    """An answer without end."""
    link.sendall(HEAD + b'\r\n{"a": "')
    while True:
        link.sendall(bytes(1 << 20))


def patience(what):
    """Seconds to wait: few for what never comes, many for what a busy machine may delay."""
    return 0.5 if what in (hangs, trickle) else 20


class Servers:
    """Servers that do one thing with each connection; all their threads end with ``close``."""

    def __init__(self):
        self.servers = []
        self.threads = []

    def __call__(self, what, *, first=True):
        """The address of one more."""
        server = socket.create_server(("127.0.0.1", 0))
        self.servers.append(server)
        self.begin(self.serve, server, what, first)
        return f"127.0.0.1:{server.getsockname()[1]}"

    def begin(self, target, *arguments):
        """Do something in a thread."""
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def serve(self, server, what, first):
        """Take connections until the socket is shut."""
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            self.begin(answered, link, what, first)

    def close(self):
        """End."""
        for server in self.servers:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        for thread in self.threads:
            thread.join(30)


def answered(link, what, first):
    """Do the one thing, ``first`` after a look at what was asked."""
    with link:
        try:
            if first:
                link.recv(1 << 16)
            what(link)
        except OSError:
            return


@pytest.fixture
def listening():
    """Starts servers."""
    servers = Servers()
    yield servers
    servers.close()


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        (closes, MachineError, "No server answers: Server disconnected"),
        (hangs, MachineError, "No server answers: timed out"),
        (rubbish, MachineError, "No server answers: illegal status line"),
        (elsewhere, CheckError, "sends elsewhere"),
        (web, CheckError, "No model is listed. GET /v2 is answered with 200"),
        (trickle, MachineError, "did not end in time"),
        (endless, MachineError, "larger than 64 MiB"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_answers_otherwise_than_a_server_of_the_protocol_is_told(
    listening, what, error, words
):
    """With what to do, soon, and without taking all memory."""
    address = f"http://{listening(what)}"
    with Server(address, patience=patience(what)) as server, pytest.raises(error) as caught:
        learn(server)

    assert words in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize("what", [closes, hangs, rubbish, web, endless])
def test_what_speaks_no_grpc_is_told(listening, what):
    """In the same way."""
    with pytest.raises(MachineError, match="No server answers") as caught:
        learn_remote(Remote(listening(what), patience=patience(what)))

    assert "without TLS" in caught.value.remedy


def test_a_server_without_encryption_at_an_address_with_it_is_told(listening):
    """And its certificate is asked for at all."""
    wrong = pytest.raises(MachineError, match=r"No server answers.*SSL")
    with Server(f"https://{listening(web)}", patience=20) as server, wrong:
        learn(server)


def test_a_certificate_that_nobody_trusts_is_told(listening, tmp_path):
    """Encryption with a stranger is none."""
    context = Company(tmp_path).tls("127.0.0.1")

    def shake(link):
        context.wrap_socket(link, server_side=True).close()

    wrong = pytest.raises(MachineError, match=r"No server answers.*certificate verify failed")
    with Server(f"https://{listening(shake, first=False)}", patience=20) as server, wrong:
        learn(server)
