"""Collecting reads every log once, whatever happens to logs and readers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from sealift.adapters.databases.sqlite import Sqlite
from sealift.errors import NotFoundError
from sealift.record.observation import Prediction
from sealift.record.profile import Profile
from sealift.record.route import Backend, Route
from sealift.stats.sketch import profile_numbers, profile_texts
from sealift.testing.ledger import MemoryObservations
from sealift.testing.router import MemoryRouter
from sealift.watch.collect import Collector
from sealift.watch.log import Progress, pieces

NUMBERS = profile_numbers("x", np.arange(100.0), bins=4)
PROFILE = Profile(
    rows=100,
    fields=(NUMBERS, profile_texts("carrier", ["UA", "AA"])),
    target=NUMBERS,
    prediction=profile_numbers("answer", np.arange(10.0), bins=4),
    baseline=4.5,
)


def line(name, *, at=10.0, version=1, x=1.0):
    """A line of the prediction log."""
    return (
        msgspec.json.encode(
            Prediction(
                id=name,
                at=at,
                version=version,
                generation=1,
                output=2.0,
                seconds=0.01,
                inputs={"x": x, "carrier": "UA", "unknown": True},
            )
        )
        + b"\n"
    )


def profiles(version):
    """Version 1 and 2 have a profile."""
    if version > 2:
        raise NotFoundError("There is none.")
    return PROFILE


@pytest.fixture(params=["memory", "sqlite"])
def observations(request, tmp_path):
    """Both keepers."""
    return MemoryObservations() if request.param == "memory" else Sqlite(tmp_path / "ledger.db")


@pytest.fixture
def log(tmp_path):
    """The log of one container."""
    folder = tmp_path / "records" / "c1"
    folder.mkdir(parents=True)
    return folder / "20250101-000000-abcdef-000001.jsonl"


@pytest.fixture
def router():
    """A router that knows version 1."""
    router = MemoryRouter()
    router.start()
    backend = Backend(version=1, weight=1000, urls=("http://127.0.0.1:9",))
    router.apply(Route(service="svc", generation=4, backends=(backend,)))
    return router


@pytest.fixture
def collector(router, observations, log):
    """A collector of all that."""
    return Collector(router, observations, log.parent.parent, profiles)


def append(path, data):
    """What a server does."""
    with path.open("ab") as file:
        file.write(data)


def rows(observations, version=1):
    """Predictions that are kept, and those that are counted in bins."""
    kept = observations.counts().get(version, {"predictions": 0})["predictions"]
    counted = [sum(one.counts) for one in observations.sketches(version) if one.field == "x"]
    return kept, sum(counted)


def test_what_happened_is_kept_once(collector, observations, router, log):
    """Requests of the router and predictions of the servers; a tick without news adds nothing."""
    for at in range(5):
        router.send(float(at))
    append(log, line("a") + line("b"))

    assert collector.tick() == 7
    assert collector.tick() == 0
    router.send(9.0)
    append(log, line("c"))
    assert collector.tick() == 2
    assert len(observations.requests()) == 6
    assert rows(observations) == (3, 3)


def test_inputs_and_answers_are_counted_by_version_and_hour(collector, observations, log):
    """In the bins of the version's profile; nothing else of the inputs is kept."""
    append(log, line("a", at=7199.0) + line("b", at=7200.0, x=None) + line("c", version=2, x=99.0))
    collector.tick()

    found = {(one.version, one.field, one.since): one for one in observations.sketches(1)}

    assert sorted(found) == [
        (1, field, since) for field in ("answer", "carrier", "x") for since in (3600.0, 7200.0)
    ]
    assert found[1, "x", 7200.0].nulls == 1
    assert found[1, "carrier", 3600.0].counts == (0, 1, 0)
    assert {one.since for one in observations.sketches(2)} == {0.0}


def test_a_version_without_a_profile_keeps_its_predictions(collector, observations, log):
    """Only its bins are not counted."""
    append(log, line("a", version=3))

    assert collector.tick() == 1
    assert rows(observations, 3) == (1, 0)


def test_half_a_line_waits_for_the_rest(collector, observations, log):
    """However it is cut."""
    whole = line("a") + line("b")
    for end in range(1, len(whole)):
        append(log, whole[end - 1 : end])
        collector.tick()
    assert rows(observations) == (1, 1)
    append(log, whole[-1:])
    collector.tick()
    assert rows(observations) == (2, 2)


def test_lines_that_are_no_predictions_are_skipped_and_counted(collector, observations, log):
    """Bytes that no server writes never stop the reading."""
    deep = b"[" * 100_000
    rubbish = [
        line("x\0")[:-1].replace(b"\\u0000", b"\xff"),
        b'{"id":"\\ud800"}',
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"{}",
        b"[1]",
        line("x")[:-9],
        deep,
        b"1e999",
    ]
    append(log, line("a") + b"\n".join(rubbish) + b"\n" + line("b"))

    assert collector.tick() == 2
    assert collector.skipped() == len(rubbish)
    collector.tick()
    assert collector.skipped() == len(rubbish)
    assert rows(observations) == (2, 2)


def test_inputs_of_any_kind_are_counted_somehow(collector, observations, log):
    """Texts among numbers, numbers among texts, and what is too large."""
    for number, value in enumerate(["1", "x", True, None, 10**18, -1e308, "", "\0", 0]):
        append(log, line(str(number), x=value))

    assert collector.tick() == 9
    assert rows(observations)[0] == 9


def test_a_file_that_was_cut_off_or_replaced_is_read_anew(collector, observations, log):
    """Shorter, or with another beginning."""
    append(log, line("a") + line("b"))
    collector.tick()
    log.write_bytes(line("c"))
    assert collector.tick() == 1
    log.write_bytes(line("d") + line("e") + line("f") + line("g"))
    assert collector.tick() == 4
    assert collector.tick() == 0
    log.write_bytes(b"")
    assert collector.tick() == 0
    append(log, line("h"))
    assert collector.tick() == 1
    assert rows(observations)[0] == 8


def test_finished_files_are_deleted_once_they_were_read(collector, observations, log):
    """A server writes to the last of its files; each start of a server has its own."""
    second = log.with_name(log.name.replace("000001.jsonl", "000002.jsonl"))
    other = log.with_name("20250101-000000-000000-000001.jsonl")
    plain = log.with_name("log.jsonl")
    for path, name in ((log, "a"), (second, "b"), (other, "c"), (plain, "d")):
        append(path, line(name))
    append(log, b'{"half')

    assert collector.tick() == 4
    assert log.exists(), "its last line is not whole yet"
    log.write_bytes(log.read_bytes()[:-6])
    collector.tick()

    assert sorted(log.parent.iterdir()) == sorted([second, other, plain])
    collector.tick()
    assert rows(observations) == (4, 4)
    assert len(observations.cursors()["records"]["files"]) == 3


def test_a_large_log_is_read_in_bounded_pieces(log):
    """A line that is longer than a piece is skipped; those around it are not."""
    lines = [line(str(number)) for number in range(50)]
    append(log, b"".join(lines[:30]) + b"x" * 5_000 + b"\n" + b"".join(lines[30:]))

    found = list(pieces(log.parent.parent, Progress(), size=1_000))

    assert [one.id for piece in found for one in piece.predictions] == [str(n) for n in range(50)]
    assert max(len(piece.predictions) for piece in found) < 20
    assert list(pieces(log.parent.parent, found[-1].progress, size=1_000)) == []


def test_a_tick_is_bounded_and_the_next_ones_go_on(collector, observations, log):
    """Here sixty megabytes."""
    block = b"".join(line(f"{number}-" + "x" * 1_800) for number in range(1_000))
    for number in range(30):
        path = log.with_name(log.name.replace("000001.jsonl", f"{number + 1:06d}.jsonl"))
        path.write_bytes(block.replace(b'"id":"', b'"id":"%d-' % number))

    first = collector.tick()
    second = collector.tick()

    assert 0 < first < 30_000
    assert first + second + collector.tick() == 30_000
    assert rows(observations) == (30_000, 30_000)


def test_many_small_logs_are_read_in_one_tick(collector, observations, log):
    """However many servers there are, none is left out."""
    for number in range(100):
        folder = log.parent.with_name(f"c{number}")
        folder.mkdir(exist_ok=True)
        append(folder / log.name, line(str(number)))

    assert collector.tick() == 100


def test_two_collectors_at_once_read_nothing_twice(router, tmp_path, log):
    """The second one finds that the cursor has moved, and leaves it at that."""
    kept = Sqlite(tmp_path / "ledger.db")
    append(log, line("a") + line("b"))
    router.send(1.0)

    class Slow(MemoryRouter):
        """While it answers, somebody else collects."""

        def events(self, cursor):
            """The same events."""
            found = router.events(cursor)
            Collector(router, kept, log.parent.parent, profiles).tick()
            return found

    assert Collector(Slow(), kept, log.parent.parent, profiles).tick() == 0
    assert (len(kept.requests()), rows(kept)) == (1, (2, 2))


def test_a_killed_collector_neither_loses_nor_doubles_anything(tmp_path, log):
    """Kill -9 at different moments while a log of several pieces is read."""
    lines = b"".join(line(f"{number}-" + "x" * 500) for number in range(20_000))
    append(log, lines)
    worker = Path(__file__).with_name("collecting.py")
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, worker, tmp_path / "ledger.db", log.parent.parent],
            stdout=subprocess.PIPE,
        )
        child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    kept = Sqlite(tmp_path / "ledger.db")
    last = Collector(MemoryRouter(), kept, log.parent.parent, profiles)
    while last.tick():
        pass

    assert rows(kept) == (20_000, 20_000)
