"""Where nothing may be written, the database is read: all of it, and only what is true."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sealift.adapters.databases.sqlite import Sqlite
from sealift.adapters.databases.unwritable import Unwritable
from sealift.adapters.engines.bwrap_program import locate
from sealift.errors import MachineError
from sealift.record.model import Model
from sealift.testing.ledger_suite import model

READER = Path(__file__).with_name("reader.py")
BWRAP = locate()
WRITES = """
import os, signal, sys
from pathlib import Path
from sealift.adapters.databases.sqlite import Sqlite
from sealift.testing.ledger_suite import model
db = Sqlite(Path(sys.argv[1]))
db.save(model(2))
print("saved", flush=True)
sys.stdin.readline()
"""
COMES_AND_GOES = """
import sys, time
from pathlib import Path
from sealift.adapters.databases.sqlite import Sqlite
from sealift.record.observation import RequestSeen
from sealift.testing.ledger_suite import model
end, number = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    db = Sqlite(Path(sys.argv[1]))
    for _ in range(3):
        number += 1
        db.save(model(number))
        seen = [
            RequestSeen(at=1.0, version=1, generation=1, status=200, seconds=0.1)
        ] * 50
        db.add(cursors={"router": number}, requests=seen)
    db.close()
print(number)
"""


@pytest.fixture
def path(tmp_path):
    """A ledger with a model in it, closed."""
    place = tmp_path / "state" / "ledger.db"
    db = Sqlite(place)
    db.save(model(1))
    db.close()
    return place


def readonly(folder):
    """Words that run a program with a folder mounted read-only, as on a read-only disk."""
    return [BWRAP, "--dev-bind", "/", "/", "--ro-bind", folder, folder, "--"]


def read(path, *words):
    """What a process that may not write there reads."""
    done = subprocess.run(
        [*readonly(path.parent), sys.executable, READER, path, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def writer(path):
    """A process that has the ledger open, with a change that only the file beside it holds."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITES, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"saved\n"
    yield child
    child.kill()
    child.communicate()


def test_a_closed_ledger_is_read_and_nothing_is_left_behind(path):
    """Of the files beside it none is made."""
    before = sorted(path.parent.iterdir())

    assert read(path) == [[1], 0]
    assert sorted(path.parent.iterdir()) == before


def test_what_a_living_writer_committed_is_seen(path, writer):
    """It stands in the file beside the ledger only."""
    assert path.with_name("ledger.db-wal").stat().st_size > 0
    assert read(path) == [[1, 2], 0]


def test_what_a_killed_writer_committed_is_seen(path, writer):
    """Nobody has it open any more, and its files are there."""
    writer.send_signal(signal.SIGKILL)
    writer.wait()

    assert read(path) == [[1, 2], 0]


def test_a_reader_among_writers_that_come_and_go_never_sees_half(path):
    """Each of many reads sees every earlier change whole, or says that it could not."""
    path.unlink()
    child = subprocess.Popen(
        [sys.executable, "-c", COMES_AND_GOES, path, "4"], stdout=subprocess.PIPE
    )

    found = read(path, "4")

    assert child.wait(30) == 0
    assert child.stdout.read().strip() == str(len(Sqlite(path).all(Model))).encode()
    child.stdout.close()
    assert found["wrong"] == []
    assert found["reads"] > 10
    assert found["most"] > 3


def test_a_folder_that_may_only_be_read_is_read(path):
    """By whoever is no superuser: an ordinary file system, and permissions that forbid."""
    path.chmod(0o444)
    path.parent.chmod(0o555)
    ordinary = [BWRAP, "--dev-bind", "/", "/", "--cap-drop", "ALL", "--"]

    done = subprocess.run(
        [*ordinary, sys.executable, READER, path], capture_output=True, text=True, check=False
    )
    path.parent.chmod(0o755)

    assert (done.stdout, done.stderr) == ("[[1], 0]", "")


def test_whoever_wants_to_write_is_told_what_to_do(path):
    """Before anything else is done."""
    code = """
import sys
from pathlib import Path
from sealift.adapters.databases.sqlite import Sqlite
from sealift.errors import MachineError
from sealift.testing.ledger_suite import model
db = Sqlite(Path(sys.argv[1]))
for write in (lambda: db.save(model(2)), lambda: db.exclusive("train"), db.next_version):
    try:
        write()
    except MachineError as error:
        print(error)
"""
    done = subprocess.run(
        [*readonly(path.parent), sys.executable, "-c", code, path],
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stdout.splitlines()

    assert len(said) == 3
    assert all("folder cannot be written" in line and "copy the project" in line for line in said)


def test_where_there_is_none_it_is_empty(tmp_path):
    """A project that was only just copied to a read-only disk."""
    assert read(tmp_path / "ledger.db") == [[], 0]
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_needs_writing_to_be_read_is_not_read_wrongly(path, tmp_path, writer):
    """The half of the changes that its main file holds is not taken for the whole."""
    other = tmp_path / "copy" / "ledger.db"
    other.parent.mkdir()
    shutil.copy(path, other)
    shutil.copy(path.with_name("ledger.db-wal"), other.with_name("ledger.db-wal"))

    done = subprocess.run(
        [*readonly(other.parent), sys.executable, READER, other],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "not closed by who wrote it last" in done.stderr
    assert done.stdout == ""


def written_while_read(path, write):
    """Read, and write meanwhile."""
    with Unwritable(path).reading() as connection:
        connection.execute("SELECT count(*) FROM record").fetchone()
        write(Sqlite(path))


def test_a_writer_that_comes_while_it_is_read_is_noticed(path):
    """What was read then may be half of a change."""
    with pytest.raises(MachineError, match=r"while it was read.*again"):
        written_while_read(path, lambda db: db.save(model(2)))


def test_a_writer_that_closes_while_it_is_read_leaves_its_trace(path):
    """Else its change of the main file would go unseen."""

    def come_and_go(db):
        db.save(model(2))
        db.close()

    with pytest.raises(MachineError, match="while it was read"):
        written_while_read(path, come_and_go)

    assert [one.version for one in Sqlite(path).all(Model)] == [1, 2]
