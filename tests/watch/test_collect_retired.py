"""What ended servers recorded is read to its last byte, and only then removed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_collect import append, line, profiles, rows

from sealift.adapters.databases.sqlite import Sqlite
from sealift.retired import MARK
from sealift.testing.router import MemoryRouter
from sealift.watch.collect import Collector


@pytest.fixture
def records(tmp_path):
    """The folder of all records, with that of one server in it."""
    folder = tmp_path / ".sealift" / "records"
    (folder / "c1").mkdir(parents=True)
    return folder


@pytest.fixture
def log(records):
    """The log that the server wrote last."""
    return records / "c1" / "20250101-000000-abcdef-000002.jsonl"


@pytest.fixture
def observations(tmp_path):
    """On the disk."""
    return Sqlite(tmp_path / "ledger.db")


@pytest.fixture
def collector(observations, records):
    """It knows of no router."""
    return Collector(MemoryRouter(), observations, records, profiles)


def ended(log):
    """Note that the server has ended."""
    (log.parent / MARK).touch()


def test_the_records_of_an_ended_server_go_once_they_were_read(collector, observations, log):
    """All of its files, whatever their names, and the folder."""
    for path in (log, log.with_name("other.jsonl"), log.with_name("20250101-0-000001.jsonl")):
        append(path, line(path.name))
    log.with_name("20250101-000000-abcdef-000003.jsonl").touch()
    ended(log)

    assert collector.tick() == 3
    assert not log.parent.exists()
    assert rows(observations) == (3, 3)
    collector.tick()
    assert observations.cursors()["records"]["files"] == {}


def test_the_records_of_a_living_server_stay(collector, log):
    """It may add to its last file at any moment."""
    append(log, line("a"))

    assert collector.tick() == 1
    assert log.exists()


def test_nothing_unread_goes(collector, observations, log, records):
    """A tick that could not keep what it read removes nothing."""
    append(log, line("a"))
    ended(log)
    full = Collector(MemoryRouter(), Refusing(), records, profiles)

    assert full.tick() == 0
    assert log.exists()
    assert collector.tick() == 1
    assert rows(observations) == (1, 1)
    assert not log.parent.exists()


class Refusing:
    """A keeper to whom another collector was always faster."""

    def cursors(self):
        """It has read nothing."""
        return {}

    def add(self, **_):
        """It takes nothing."""
        return False


def test_a_last_line_that_lacks_only_its_newline_is_kept(collector, observations, log):
    """A server that was killed in the middle of a write wrote it; a half line is counted."""
    append(log, line("a") + line("b").removesuffix(b"\n"))
    other = log.with_name("20250101-000000-abcdef-000001.jsonl")
    append(other, line("c") + b'{"id": "d", "a')
    assert collector.tick() == 2
    ended(log)

    assert collector.tick() == 1
    assert rows(observations) == (3, 3)
    assert collector.skipped() == 1
    assert not log.parent.exists()


def test_what_else_lies_there_stays(collector, log):
    """Nobody's files go but the server's."""
    append(log, line("a"))
    (log.parent / "notes.txt").write_text("mine")
    ended(log)

    collector.tick()

    assert not log.exists()
    assert (log.parent / "notes.txt").exists()


def test_a_collector_that_is_killed_loses_no_record_of_an_ended_server(tmp_path, records, log):
    """Kill -9 at different moments, and the last one removes everything."""
    for number in range(1, 5):
        lines = b"".join(line(f"{number}-{one}-" + "x" * 500) for one in range(4_000))
        append(log.with_name(f"20250101-000000-abcdef-00000{number}.jsonl"), lines)
    ended(log)
    worker = Path(__file__).with_name("collecting.py")
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, worker, tmp_path / "ledger.db", records], stdout=subprocess.PIPE
        )
        child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    kept = Sqlite(tmp_path / "ledger.db")
    last = Collector(MemoryRouter(), kept, records, profiles)
    while last.tick():
        pass

    assert rows(kept) == (16_000, 16_000)
    assert list(records.iterdir()) == []
