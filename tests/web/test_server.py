"""The API as a process of its own, over real HTTP."""

import concurrent.futures
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest

from sealift.adapters.databases.sqlite import Sqlite
from sealift.errors import MachineError
from sealift.folders import Folders
from sealift.record.release import Release
from sealift.testing.ledger_suite import predicted, release
from sealift.web.token import token


@pytest.fixture
def folders(tmp_path):
    """A project with a database."""
    (tmp_path / "sealift.toml").write_text('name = "svc"\n')
    return Folders(tmp_path)


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(folders, port):
    """The process, once it answers."""
    child = subprocess.Popen(
        [sys.executable, "-m", "sealift.web", "--root", folders.root, "--port", str(port)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(300):
                try:
                    client.get("/health")
                    break
                except httpx.TransportError:
                    assert child.poll() is None, child.stderr.read()
                    time.sleep(0.1)
            client.headers["authorization"] = f"Bearer {token(folders.live / 'token')}"
            yield child, client
    finally:
        child.kill()
        child.communicate()


def test_it_serves_the_projects_records_until_it_is_told_to_end(folders):
    """What it changed is in the database; what it takes 20 times at once is kept once."""
    db = Sqlite(folders.ledger)
    db.save(release("a"))
    names = [str(number) for number in range(200)]
    db.add(cursors={}, predictions=[predicted(name) for name in names])
    with running(folders, free_port()) as (child, client):
        assert client.get("/v1/status").json()["service"] == "svc"
        assert client.get("/v1/status", headers={"authorization": "x"}).status_code == 401
        assert client.post("/v1/releases/a/rollback").status_code == 202
        assert client.get("/v1/watch").json()["headline"] == "No model serves yet."
        content = {"labels": [{"id": name, "value": 1.0} for name in names]}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            sent = [pool.submit(client.post, "/v1/labels", json=content) for _ in range(20)]
            assert {one.result().status_code for one in sent} == {200}
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=20) == 0, child.stderr.read()

    assert db.get(Release, "a").request == "rollback"
    assert len(db.scored()) == 200


def test_requests_that_are_no_http_do_it_no_harm(folders):
    """It goes on to answer others."""
    port = free_port()
    with running(folders, port) as (child, client):
        head = b"POST /v1/labels HTTP/1.1\r\nhost: x\r\nauthorization: "
        head += client.headers["authorization"].encode() + b"\r\n"
        for rubbish in (
            b"\x00\xff" * 100,
            b"GET / HTTP/9.9\r\n\r\n",
            head + b"content-length: -5\r\n\r\n",
            head + b"content-length: x\r\n\r\n",
            head + b"content-length: 100\r\n\r\nhalf",
            head + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
                raw.sendall(rubbish)
                raw.shutdown(socket.SHUT_WR)
                assert not raw.recv(65_536).startswith(b"HTTP/1.1 5")
        assert client.get("/v1/status").status_code == 200
        assert child.poll() is None


def test_a_taken_port_is_said(folders):
    """With an exit code of its own."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "sealift.web", "--root", folders.root, "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 4
    assert "cannot listen: " in done.stderr
    assert f"127.0.0.1:{port}" in done.stderr


def test_a_folder_without_a_project_is_said(tmp_path):
    """As by every command."""
    done = subprocess.run(
        [sys.executable, "-m", "sealift.web", "--root", tmp_path, "--port", "1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 3
    assert "There is no sealift.toml." in done.stderr


def test_the_token_is_for_its_owner_alone(tmp_path):
    """It is made once and stays; a file that others may read is closed to them."""
    path = tmp_path / "live" / "token"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        (made,) = {one.result() for one in [pool.submit(token, path) for _ in range(50)]}

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    path.chmod(0o644)
    assert token(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 47 + b"\xff", b"a b " * 20])
def test_a_file_that_holds_no_token_is_said(tmp_path, content):
    """An empty one would let everybody in."""
    path = tmp_path / "token"
    path.write_bytes(content)

    with pytest.raises(MachineError, match="does not hold a token"):
        token(path)


def test_a_token_that_cannot_be_made_is_said(tmp_path):
    """Here a file is in the way of the folder."""
    (tmp_path / "live").write_text("")

    with pytest.raises(MachineError, match="cannot be read or made"):
        token(tmp_path / "live" / "token")
    assert list(tmp_path.iterdir()) == [tmp_path / "live"]
