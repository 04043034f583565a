"""Several processes work on one database, and some of them die."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sealift.adapters.databases.sqlite import Sqlite
from sealift.errors import UsageError

WORKER = Path(__file__).with_name("worker.py")


@pytest.fixture
def start(tmp_path):
    """Start a worker on the test's database; what still runs at the end is killed."""
    children = []

    def start(task, name="1", count=1):
        child = subprocess.Popen(
            [sys.executable, WORKER, tmp_path / "ledger.db", task, name, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def db(tmp_path):
    """The database that the workers share."""
    return Sqlite(tmp_path / "ledger.db")


def test_processes_that_open_a_new_database_at_once_all_succeed(start, tmp_path):
    """The first one makes it, the others find it made."""
    children = [start("version", count=5) for _ in range(6)]
    words = [child.communicate(timeout=60)[0].split("\n")[0:10:2] for child in children]

    given = [int(word) for lines in words for word in lines]

    assert sorted(given) == list(range(1, 31)), "a version was given out twice or never"


def test_processes_that_add_at_once_lose_nothing(db, start):
    """Four of them; serial numbers have no gap, and no reader ever sees one appear behind it."""
    children = [start("add", name, 10) for name in "1234"]
    read = []
    while any(child.poll() is None for child in children):
        new = db.requests(after=read[-1][0] if read else 0)
        read.extend(new)
    read.extend(db.requests(after=read[-1][0] if read else 0))

    assert [child.returncode for child in children] == [0] * 4
    assert [serial for serial, _ in read] == list(range(1, 2001))
    assert Counter(seen.version for _, seen in read) == dict.fromkeys([1, 2, 3, 4], 500)
    assert len(db.scored()) == 2000
    assert db.cursors() == dict.fromkeys("1234", 10)
    assert db.sketches(9)[0].counts == (2000,)


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_killed_process_leaves_rows_and_cursors_that_agree(db, start, after):
    """Kill -9 in the middle of adding."""
    child = start("add", "1", 100_000)
    for _ in range(after):
        child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()

    cursor = db.cursors()["1"]
    rows = len(db.requests(limit=10_000_000))

    assert cursor >= after
    assert rows == 50 * cursor == len(db.scored(limit=10_000_000))
    assert db.counts()[1]["predictions"] == rows
    assert db.sketches(9)[0].counts == (rows,)
    assert db.sketches(9)[0].nulls == cursor


def test_a_lock_names_its_holder_and_ends_with_it(db, start):
    """However it ends."""
    child = start("hold", "controller")
    assert child.stdout.readline() == "held\n"

    with pytest.raises(UsageError, match=rf"Another controller is running \(pid {child.pid}\)"):
        db.exclusive("controller").__enter__()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()

    with db.exclusive("controller"):
        pass
