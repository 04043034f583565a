"""The prediction log: complete, readable after a crash, bounded, and never in the way."""

import contextlib
import itertools
import resource
import time
import weakref
from collections import Counter

import msgspec
import pytest
from toy_running import Running

from sealift.record.observation import Prediction
from sealift.serve.recorder import Answered, Recorder
from sealift.serve.thinning import Thinning

ROW = {"carrier": "UA", "hour": 9, "distance": 100.0, "holiday": False}


def lines(folder):
    """All predictions in a folder, in the order of the files; cut-off lines do not count."""
    decoder = msgspec.json.Decoder(Prediction)
    return [
        decoder.decode(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_bytes().splitlines(keepends=True)
        if line.endswith(b"\n")
    ]


def test_each_row_that_is_answered_is_recorded(columns_folder, tmp_path):
    """With its id, version, generation, inputs, prediction and flags; refused rows are not."""
    records = tmp_path / "records"
    with Running(columns_folder, tmp_path / "log", records, SEALIFT_DRAIN="0") as server:
        server.ready()
        server.post({"rows": [ROW]}, **{"x-request-id": "one", "x-sealift-generation": "5"})
        server.post({"id": "two", "rows": [ROW, {**ROW, "hour": 30, "distance": None}]})
        server.post({"id": "bad", "rows": [{**ROW, "hour": 300}]})
        assert server.terminate() == 0

    one, first, second = lines(records)
    assert (one.id, one.version, one.generation, one.output) == ("one", 3, 5, 22.0)
    assert one.inputs == ROW
    assert one.seconds > 0
    assert (first.id, second.id) == ("two/0", "two/1")
    assert second.inputs["distance"] is None
    assert second.flagged == ("hour",)


def test_class_labels_are_recorded_as_text(classes_server, tmp_path):
    """However the model spells them, so that labels that come later compare."""
    classes_server.post({"id": "c", "rows": [{"p": 1.0, "q": 1.0}]})
    records = classes_server.log.parent / "records"
    classes_server.wait_for(lambda: any(line.id == "c" for line in lines(records)))

    assert [line.output for line in lines(records) if line.id == "c"] == ["3"]


def test_the_log_survives_kill_9(columns_folder, tmp_path):
    """All that was answered half a second before is there, and every line can be read."""
    records = tmp_path / "records"
    with Running(columns_folder, tmp_path / "log", records) as server:
        server.ready()
        for number in range(50):
            server.post({"id": str(number), "rows": [ROW]})
        time.sleep(0.5)
        for number in range(50, 60):
            server.post({"id": str(number), "rows": [ROW]})
        server.process.kill()
        server.process.wait()

    seen = [int(line.id) for line in lines(records)]
    assert seen[:50] == list(range(50))
    assert seen == list(range(len(seen)))


def answered(number, rows=1):
    """A request that was answered."""
    return Answered(
        id=str(number),
        at=1.0,
        generation=0,
        seconds=0.1,
        count=rows,
        kept=range(rows),
        rows=lambda: [(1.5,)] * rows,
        outputs=lambda: [2.5] * rows,
        flags={},
    )


def waited(condition):
    """Wait until a condition holds."""
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    assert condition()


def test_a_request_that_cannot_be_spelled_costs_the_others_nothing(tmp_path, capsys):
    """It is counted as dropped, and the log says why."""

    def fails():
        raise ValueError("no such row")

    recorder = Recorder(tmp_path, names=["x"], version=1)
    spoilt = msgspec.structs.replace(answered(1, rows=3), rows=fails)
    for one in (answered(0), spoilt, answered(2)):
        recorder.add(one)
    recorder.close()

    assert [line.id for line in lines(tmp_path)] == ["0", "2"]
    assert (recorder.written, recorder.dropped) == (2, 3)
    assert "no such row" in capsys.readouterr().out


def test_files_are_rotated_and_the_oldest_dropped(tmp_path):
    """Never more than so many files, none much larger than so many bytes, names in order."""
    recorder = Recorder(tmp_path, names=["x"], version=1, size=1000, files=4)
    for number in range(8):
        recorder.add(answered(number, rows=20))
        waited(lambda expected=20 * (number + 1): recorder.written == expected)
    recorder.close()

    files = sorted(tmp_path.glob("*.jsonl"))
    assert len(files) == 4
    assert all(1000 <= file.stat().st_size < 4000 for file in files)
    assert [line.id.partition("/")[0] for line in lines(tmp_path)][::20] == ["4", "5", "6", "7"]


def test_no_file_is_much_larger_than_told_however_much_comes_at_once(tmp_path):
    """What is full ends in the middle of a request; no row is lost at the seams."""
    recorder = Recorder(tmp_path, names=["x" * 500], version=1, size=1 << 20)
    recorder.add(answered(0, rows=10_000))
    recorder.close()

    files = sorted(tmp_path.glob("*.jsonl"))
    assert len(files) > 4
    assert max(file.stat().st_size for file in files) < (1 << 20) + (1 << 19)
    assert [line.id for line in lines(tmp_path)] == [f"0/{number}" for number in range(10_000)]
    assert (recorder.written, recorder.dropped) == (10_000, 0)


def test_two_writers_share_the_bound_and_lose_nothing_they_say_was_written(tmp_path):
    """When one makes room and deletes the file that the other still writes, the other begins a
    new one."""
    slow = Recorder(tmp_path, names=["x"], version=1, size=1000, files=4)
    slow.add(answered(0))
    waited(lambda: slow.written == 1)
    fast = Recorder(tmp_path, names=["x"], version=1, size=1000, files=4)
    for number in range(1, 9):
        fast.add(answered(number, rows=20))
        waited(lambda expected=20 * number: fast.written == expected)
    slow.add(answered("last"))
    waited(lambda: slow.written == 2)
    slow.close()
    fast.close()

    assert len(list(tmp_path.glob("*.jsonl"))) <= 5
    assert "last" in [line.id for line in lines(tmp_path)]


def test_nothing_is_held_of_what_was_written(tmp_path):
    """Though nothing else comes: the rows of large requests would stay in memory."""
    recorder = Recorder(tmp_path, names=["x"], version=1)
    one = answered(0)
    gone = weakref.ref(one.rows)
    recorder.add(one)
    del one

    waited(lambda: recorder.written == 1)
    waited(lambda: gone() is None)
    recorder.close()


def test_what_does_not_fit_the_queue_is_dropped_and_counted(tmp_path):
    """A burst beyond the capacity costs records, not time or memory."""
    recorder = Recorder(tmp_path, names=["x"], version=1, capacity=100)
    began = time.monotonic()
    for number in range(20_000):
        recorder.add(answered(number))
    assert time.monotonic() - began < 2
    recorder.close()

    assert recorder.dropped > 0
    assert recorder.written + recorder.dropped == 20_000
    assert len(lines(tmp_path)) == recorder.written


def test_a_stream_that_is_too_fast_is_thinned_evenly(tmp_path):
    """Once its speed is known, every so many rows one is kept, and then all again."""
    recorder = Recorder(tmp_path, names=["x"], version=1, rate=1000)
    began = time.monotonic()
    number = 0
    while time.monotonic() - began < 0.5:
        if kept := recorder.chosen(3):
            recorder.add(answered(number, rows=len(kept)))
        number += 1
        time.sleep(0.0005)
    time.sleep(1)
    assert recorder.chosen(1) == range(1)
    recorder.add(answered("slow"))
    recorder.close()

    assert recorder.thinned > 0
    assert recorder.written + recorder.thinned == 3 * number + 1
    assert recorder.written == len(lines(tmp_path))
    assert lines(tmp_path)[-1].id == "slow"


def test_what_is_thinned_keeps_every_place_alike():
    """A row's place in its request does not decide whether it is kept."""
    thinning = Thinning(100.0)
    thinning.chosen(1000, 1.0)
    kept = [thinning.chosen(7, 2.0 + number * 1e-6) for number in range(350)]
    places = Counter(place for rows in kept for place in rows)

    assert sum(places.values()) == pytest.approx(2450 / 10, rel=0.02)
    assert max(places.values()) - min(places.values()) <= 2


def test_of_one_request_no_more_is_kept_than_of_a_second():
    """However slow the stream was before it, and at even distances."""
    thinning = Thinning(100.0)
    assert thinning.chosen(1, 1.0) is None
    kept = thinning.chosen(4000, 2.0)

    assert len(kept) == 100
    assert {after - before for before, after in itertools.pairwise(kept)} == {40}


def test_a_folder_that_cannot_be_written_costs_records_only(tmp_path, capsys):
    """They are dropped and counted, the log says so once, and writing goes on when it can."""
    place = tmp_path / "records"
    place.write_text("a file is in the way")
    recorder = Recorder(place, names=["x"], version=1)
    for number in range(3):
        recorder.add(answered(number))
        waited(lambda expected=number + 1: recorder.dropped == expected)
    place.unlink()
    recorder.add(answered(3))
    recorder.close()

    assert [line.id for line in lines(place)] == ["3"]
    said = capsys.readouterr().out
    assert said.count("records_not_written") == 1
    assert str(place) in said


@contextlib.contextmanager
def small_files():
    """No file of this process may grow beyond 1000 bytes, as on a full disk.

    Not even one that the outcomes of tests go to.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_cuts_no_line_in_half(tmp_path, capsys):
    """What was written whole stays, what was cut off is taken back and counted as dropped."""
    with small_files():
        recorder = Recorder(tmp_path, names=["x"], version=1)
        recorder.add(answered(1, rows=50))
        recorder.close()

    (file,) = tmp_path.glob("*.jsonl")
    content = file.read_bytes()
    assert content.endswith(b"\n")
    assert len(content) <= 1000
    assert recorder.written == len(lines(tmp_path)) > 0
    assert recorder.written + recorder.dropped == 50
    assert "records_not_written" in capsys.readouterr().out


def test_a_stream_that_sets_in_suddenly_is_thinned_from_the_beginning():
    """Of 5,000 rows in the first tenth of a second few more are kept than of later ones."""
    thinning = Thinning(2000.0)
    kept = [thinning.chosen(1, 1.0 + number * 2e-5) for number in range(50_000)]
    first, later = kept[:5000], kept[5000:]

    assert sum(one is None or bool(one) for one in first) < 500
    assert 1500 < sum(one is None or bool(one) for one in later) < 2200
