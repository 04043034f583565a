"""A damaged, foreign, full or busy database gives a clear error and loses nothing."""

import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from sealift.adapters.databases.connection import Database
from sealift.adapters.databases.joining import join
from sealift.adapters.databases.migrations import MIGRATIONS, current, migrate
from sealift.adapters.databases.sqlite import Sqlite
from sealift.errors import DataError, IntegrityError, MachineError, UsageError
from sealift.record.model import Model
from sealift.record.observation import Label, RequestSeen
from sealift.record.run import Run
from sealift.testing.ledger_suite import model, predicted, run, step
from sealift.types import Digest

WORKER = Path(__file__).with_name("worker.py")
VERSION_1 = """
    create table schema_version (version integer not null);
    insert into schema_version values (1);
    create table record (
        serial integer not null primary key autoincrement, kind text not null, key text not null,
        created float not null, document text not null, unique (kind, key)
    );
    create table step (
        serial integer not null primary key autoincrement, run text not null, key text not null,
        finished float not null, document text not null
    );
    create index ix_step_run on step (run);
    create index step_key on step (key, finished);
    create table counter (name text not null primary key, value integer not null);
    insert into counter values ('model', 7);
"""


@pytest.fixture
def path(tmp_path):
    """Where the database is."""
    return tmp_path / "ledger.db"


def filled(path):
    """A database of several pages, in one file."""
    db = Sqlite(path)
    for number in range(1, 200):
        db.save(model(number))
    db.close()


def test_a_file_that_is_no_database_is_named(path):
    """It is left as it is."""
    path.write_bytes(b"hello " * 1000)

    with pytest.raises(IntegrityError, match=r"not a database.*backup") as caught:
        Sqlite(path)

    assert caught.value.where == str(path)
    assert path.read_bytes() == b"hello " * 1000


def test_flipped_bytes_are_damage(path):
    """Every page but the first is overwritten."""
    filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    with pytest.raises(IntegrityError, match="damaged"):
        Sqlite(path).all(Model)


def test_a_file_that_was_cut_off_is_damage(path):
    """To half of its pages."""
    filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 8192 * 4096])

    with pytest.raises(IntegrityError, match="damaged"):
        Sqlite(path).all(Model)


def test_a_document_that_was_changed_by_hand_names_its_record(path):
    """The others can still be read."""
    filled(path)
    with sqlite3.connect(path) as raw:
        raw.execute("update record set document = '{}' where key = '3'")
    raw.close()
    db = Sqlite(path)

    with pytest.raises(IntegrityError, match="record of model 3"):
        db.get(Model, 3)
    assert db.get(Model, 4) == model(4)


def test_a_database_of_a_newer_sealift_is_refused(path):
    """Nothing in it is changed."""
    Sqlite(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("update schema_version set version = 99")
    raw.close()

    with pytest.raises(MachineError, match=r"version 99.*newer Sealift"):
        Sqlite(path)


def test_a_database_of_version_1_keeps_its_records(path):
    """The steps in its runs too, from the cache or not; and takes observations from then on."""
    key = Digest("sha256:" + "1" * 64)
    old = run("r1", steps=(step(key), step(key, name="test", status="skipped")))
    with sqlite3.connect(path) as raw:
        raw.executescript(VERSION_1)
        document = msgspec.json.encode(old).decode()
        raw.execute("insert into record values (1, 'run', 'r1', 1.0, ?)", [document])
        document = msgspec.json.encode(step(key)).decode()
        raw.execute("insert into step values (1, 'r1', ?, 2.0, ?)", [key, document])
    raw.close()

    db = Sqlite(path)

    assert db.get(Run, "r1") == db.all(Run)[0] == old
    assert db.cached(key) == db.latest("train") == step(key)
    assert db.latest("test") is None
    assert db.next_version() == 8
    db.add(cursors={}, predictions=[predicted("a")], labels=[Label(id="a", value=1.0, at=1.0)])
    assert len(db.scored()) == 1


def test_a_migration_that_fails_is_as_if_it_never_began(path):
    """The next start tries it again."""

    def broken(connection):
        connection.execute("create table half (done integer)")
        connection.execute("create table nonsense")

    db = Database(path)
    with pytest.raises(MachineError, match="incomplete"):
        migrate(db.writing, str(path), (*MIGRATIONS, broken))

    with db.reading() as connection:
        assert current(connection) == len(MIGRATIONS)
        tables = connection.execute("select name from sqlite_schema").fetchall()
    assert ("half",) not in tables
    assert ("record",) in tables


def test_a_writer_that_waits_too_long_says_so(path):
    """Readers are never kept waiting."""
    db, other = Sqlite(path), Database(path, patience=0.1)
    with other.writing():
        db.counts()
        with pytest.raises(MachineError, match="held by another process"):
            Sqlite(path, patience=0.1).next_version()


def test_a_folder_is_no_database(tmp_path):
    """The error names it."""
    with pytest.raises(MachineError, match="cannot be opened"):
        Sqlite(tmp_path)


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path):
    """The database's folder cannot be made below a file."""
    (tmp_path / "state").write_text("")

    with pytest.raises(MachineError, match="folder of the database cannot be made"):
        Sqlite(tmp_path / "state" / "ledger.db")


def test_a_full_disk_is_said_and_what_was_there_stays(path):
    """Simulated by a limit on the size of files that a process may write."""
    filled(path)
    limit = path.stat().st_size + 200_000
    child = subprocess.run(
        [sys.executable, WORKER, path, "add", "1", "1000"],
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    db = Sqlite(path)

    assert child.returncode == 1
    assert "MachineError: The disk" in child.stderr
    assert "nothing of this change was kept" in child.stderr
    assert len(db.requests()) == 50 * db.cursors()["1"]
    assert len(db.all(Model)) == 199


def test_a_number_that_is_not_finite_is_refused_when_saved(path):
    """Not when it is wanted back."""
    db = Sqlite(path)
    for value in (float("nan"), float("inf")):
        with pytest.raises(DataError, match="must be finite"):
            db.save(run("r1", metrics={"mae": value}))
    assert db.all(Run) == []


def test_outputs_and_labels_may_be_any_number_or_text(path):
    """Infinite ones and texts with every kind of letter too."""
    db = Sqlite(path)
    values = [float("inf"), float("-inf"), 1e308, 5e-324, -0.0, 3, "", "é\0\U0001f600'--", "3"]
    for number, value in enumerate(values):
        db.add(
            cursors={},
            predictions=[predicted(str(number), output=value)],
            labels=[Label(id=str(number), value=value, at=1.0)],
        )
    db.add(cursors={}, predictions=[predicted("nan", output=float("nan"))])
    db.add(cursors={}, labels=[Label(id="nan", value=float("nan"), at=1.0)])

    *found, (_, last) = db.scored()

    assert [(scored.output, scored.value) for _, scored in found] == [(v, v) for v in values]
    assert last.output != last.output


def test_a_lock_has_a_plain_name(path):
    """It becomes the name of a file."""
    with pytest.raises(UsageError, match="cannot name a lock"):
        Sqlite(path).exclusive("../x")


def test_what_is_old_can_be_forgotten(path):
    """Serial numbers go on from where they were."""
    db = Sqlite(path)

    def add(name, at):
        db.add(
            cursors={},
            requests=[RequestSeen(at=at, generation=1, version=1, status=200, seconds=0.1)],
            predictions=[predicted(name, at=at)],
            labels=[Label(id=name, value=1.0, at=at), Label(id=f"no {name}", value=1.0, at=at)],
        )

    add("a", 1.0)
    add("b", 2.0)
    last = db.requests()[-1][0], db.scored()[-1][0]
    assert db.prune(1.5) == 4
    assert [scored.id for _, scored in db.scored()] == ["b"]
    assert db.prune(9.0) == 4
    assert db.counts() == {}
    add("c", 3.0)
    assert (db.requests()[0][0], db.scored()[0][0]) == (last[0] + 1, last[1] + 1)


def test_a_label_waits_among_a_bounded_number(path):
    """The ones that wait longest make room."""
    db = Sqlite(path)
    for start in range(0, 30, 3):
        labels = [Label(id=str(number), value=1.0, at=1.0) for number in range(start, start + 3)]
        with db.writing() as connection:
            join(connection, [], labels, limit=10)
    db.add(cursors={}, predictions=[predicted(str(number)) for number in range(30)])

    assert [scored.id for _, scored in db.scored()] == [str(number) for number in range(20, 30)]
