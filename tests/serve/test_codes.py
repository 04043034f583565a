"""Everything that is refused is told in the docs, counted by its code, and logged."""

import re
from pathlib import Path

import pytest
from test_sockets import opened, statuses, until_closed
from toy_running import Running

ROOT = Path(__file__).parents[2]
REFUSALS = re.compile(r'RefusalError\((?:[^()]|\([^()]*\))*?code="([a-z_]+)"', re.DOTALL)

BAD = {
    b"GARBAGE\r\n\r\n": 400,
    b"GET /v2 HTTP/1.1\r\n\r\n": 400,
    b"GET /v2 HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n": 400,
    b"GET /v2 HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000 + b"\r\n\r\n": 431,
}


def test_every_code_is_in_the_docs():
    """In the table of statuses; and the table names none that there is not."""
    sources = (ROOT / "src" / "sealift" / "serve").rglob("*.py")
    raised = {code for path in sources for code in REFUSALS.findall(path.read_text())}
    text = (ROOT / "docs" / "serving.md").read_text()
    table = text.partition("| status | when | codes |")[2].partition("\n\n")[0]
    told = set(
        re.findall(r"`([a-z_]+)`", table.replace("`Allow`", "").replace("`Retry-After`", ""))
    )
    assert len(raised) > 30
    assert raised - told == set()
    assert told - raised == set()


@pytest.mark.parametrize(("content", "status"), BAD.items(), ids=range(len(BAD)))
def test_what_is_no_request_is_counted(tensor_server, content, status):
    """By status and by code, though nobody knows what was asked."""

    def counted():
        lines = tensor_server.client.get("/metrics").text.splitlines()
        found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        names = (
            f'sealift_requests_total{{route="none",status="{status}"}}',
            f'sealift_refused_total{{code="{"malformed_http" if status == 400 else "too_large"}"}}',
        )
        return [float(found.get(name, 0)) for name in names]

    before = counted()
    with opened(tensor_server) as connection:
        connection.sendall(content)
        assert statuses(until_closed(connection)) == [status]
    assert counted() == [number + 1 for number in before]


def test_what_is_no_request_is_logged_with_the_reason(tensor_folder, tmp_path):
    """It has neither path nor id."""
    with Running(tensor_folder, tmp_path / "log") as server:
        server.ready()
        with opened(server) as connection:
            connection.sendall(b"GET /v2 HTTP/1.1\r\n\r\n")
            until_closed(connection)
        assert server.terminate() == 0
        (line,) = [one for one in server.events() if one.get("code") == "malformed_http"]
    assert (line["event"], line["status"], line["route"]) == ("request", 400, "none")
    assert "one Host" in line["error"]
