"""`sealift check --protocol URL`, as a person or a CI system runs it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree as ET

import pytest

from network_servers import Company


class Handler(BaseHTTPRequestHandler):
    """The least server that can be graded: it has one model and forgives everything."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        """Everything is metadata."""
        tensor = {"name": "x", "datatype": "FP32", "shape": [-1]}
        self.send({"name": "m", "platform": "a_b", "inputs": [tensor], "outputs": []})

    def do_POST(self):
        """Everything is an inference."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send({"model_name": "m", "outputs": []})

    def send(self, value):
        """An answer."""
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Calm(ThreadingHTTPServer):
    """A server that does not speak of clients that turn away."""

    daemon_threads = True

    def handle_error(self, *_):
        """Say nothing."""


@contextmanager
def served(tls=None):
    """The port of a server that runs, by TLS where a context for it is given."""
    made = Calm(("127.0.0.1", 0), Handler)
    if tls:
        made.socket = tls.wrap_socket(made.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made.server_port
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def server():
    """Its address."""
    with served() as port:
        yield f"http://127.0.0.1:{port}"


def test_a_broken_rule_is_told_with_its_request_and_fails_the_command(empty, server):
    """With the exit code of a failed check, and files that CI systems and people read."""
    said = empty(
        "check", "--protocol", server, "--model-name", "m", "--junit", "j.xml", "--html", "h.html"
    )

    assert said.code == 8
    assert "must body-that-is-no-json" in said.answer
    assert "curl -i" in said.answer
    assert "source: Open Inference Protocol" in said.answer
    assert "rules of the protocol are broken" in said.talk
    root = ET.fromstring((empty.folder / "j.xml").read_bytes())
    assert int(root.get("failures")) > 5
    assert b"body-that-is-no-json" in (empty.folder / "h.html").read_bytes()


def test_with_json_standard_output_is_the_grade(empty, server):
    """Every verdict with its passage."""
    said = empty("check", server, "--model-name", "m", "--json")

    assert said.code == 8
    assert said.value["model"] == "m"
    assert all(one["passage"] for one in said.value["verdicts"])


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (["check", "--protocol"], 2, "No server is named"),
        (["check", "--protocol", "here"], 2, "'here' is not the address"),
        (["check", "--grpc", "127.0.0.1:9"], 2, "No server is named"),
        (["check", "grpc://127.0.0.1"], 2, "no address of a server of gRPC"),
        (["check", "grpc://127.0.0.1:9", "--grpc", "127.0.0.1:9"], 2, "Two addresses of gRPC"),
        (["check", "grpc://127.0.0.1:9"], 4, "No server answers"),
        (["check", "http://127.0.0.1:9"], 4, "No server answers"),
        (["check", "http://127.0.0.1:9", "--example", "none.json"], 2, "cannot be read"),
    ],
)
def test_what_cannot_be_graded_is_said_with_what_to_do(empty, words, code, what):
    """Before anything is asked."""
    said = empty(*words)

    assert said.code == code
    assert what in said.talk
    assert "next:" in said.talk


def test_a_server_that_lists_no_model_has_to_be_told_which(empty, server):
    """The protocol has no list of models."""
    said = empty("check", server)

    assert said.code == 8
    assert "--model-name" in said.talk


@pytest.mark.parametrize("text", ['{"inputs": []}', "\xff"])
def test_an_example_that_is_no_request_is_named(empty, server, text):
    """And nothing is sent."""
    (empty.folder / "e.json").write_text(text, encoding="latin-1")

    said = empty("check", server, "--model-name", "m", "--example", "e.json")

    assert said.code == 2
    assert "e.json" in said.talk


def test_a_server_with_a_companys_certificate_is_graded_where_the_company_is_trusted(
    empty, monkeypatch
):
    """By the project's setting or the machine's variable, and not without either."""
    company = Company(empty.folder / "company")
    with served(company.tls("127.0.0.1")) as port:
        words = ("check", f"https://127.0.0.1:{port}", "--model-name", "m")
        doubted = empty(*words)
        (empty.folder / "sealift.toml").write_text('name = "p"\n[network]\nca = "company/ca.pem"\n')
        trusted = empty(*words)
        (empty.folder / "sealift.toml").unlink()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(company.ca))
        by_variable = empty(*words)

    assert doubted.code == 4
    assert "certificate verify failed" in doubted.talk
    assert "network.ca" in doubted.talk
    assert [trusted.code, by_variable.code] == [8, 8]
    assert "body-that-is-no-json" in trusted.answer
