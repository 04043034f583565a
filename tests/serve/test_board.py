"""Numbers that processes share: exact, live, and still there after a kill."""

import os
import signal

import pytest

from sealift import process
from sealift.serve.board import SIZE, Board, Family, Seat, Table
from sealift.serve.metrics import Metrics
from sealift.serve.orders import Orders


def table(size=4096):
    """A table in memory of its own."""
    return Table(memoryview(bytearray(size)))


def test_numbers_are_found_by_their_whole_names():
    """Labels may hold anything; names of different length are different."""
    one = table()
    family = Family(one, "f")
    for number, labels in enumerate([(), ("a",), ("a", "b"), ('a","b',), ("\0",), ("ä" * 50,)]):
        family.set(number, *labels)

    assert dict(one.items()) == {
        ("f",): 0.0,
        ("f", "a"): 1.0,
        ("f", "a", "b"): 2.0,
        ("f", 'a","b'): 3.0,
        ("f", "\0"): 4.0,
        ("f", "ä" * 50): 5.0,
    }


def test_a_second_writer_goes_on_where_the_first_left_off():
    """The same memory, looked at anew."""
    memory = memoryview(bytearray(4096))
    Family(Table(memory), "f").add(2.0, "x")
    second = Family(Table(memory), "f")
    second.add(3.0, "x")
    second.add(1.0, "y")

    assert dict(Table(memory).items()) == {("f", "x"): 5.0, ("f", "y"): 1.0}
    assert second.get("z") == 0.0
    assert ("f", "z") not in dict(Table(memory).items())


def test_a_full_table_loses_new_names_only():
    """What was there is counted on; nothing is written beyond the table."""
    memory = memoryview(bytearray(400))
    small = Table(memory[:200])
    family = Family(small, "f")
    for name in "abcdefghijklmnop":
        family.add(1.0, name)
        family.add(1.0, "a")

    found = dict(small.items())
    assert found["f", "a"] == 17.0
    assert 1 < len(found) < 10
    assert not any(memory[200:])


def test_what_a_killed_process_counted_is_there_for_the_others():
    """To the last number, written right before the kill."""
    board = Board(2)

    def work():
        metrics = Metrics(Seat(board, 1))
        for _ in range(1000):
            metrics.answered("predict", 200, 0.003)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    Metrics(Seat(board, 0)).answered("predict", 200, 0.5)
    pid = process.fork(work)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL

    text = Metrics(Seat(board, 0)).text(gauges={}, counters={}, info=[], models=[])
    assert 'sealift_requests_total{route="predict",status="200"} 1001\n' in text
    assert 'sealift_request_seconds_bucket{route="predict",le="0.005"} 1000\n' in text
    assert 'sealift_request_seconds_bucket{route="predict",le="+Inf"} 1001\n' in text


def test_memory_that_nobody_writes_is_not_taken():
    """A board for many workers costs only what is counted on it."""
    before = resident()
    board = Board(64)

    assert resident() - before < SIZE
    assert board.ready() == 0


def resident():
    """Bytes of memory of this process."""
    with open("/proc/self/statm") as file:  # noqa: PTH123  proc(5)
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_child_ends_with_its_status_and_never_goes_on_as_its_parent(tmp_path):
    """Neither after its work nor after an error in it."""
    left = tmp_path / "left"

    def fails():
        raise ValueError("no")

    for work, status in ((lambda: 7, 7), (fails, 70)):
        pid = process.fork(work)
        left.write_text(f"{os.getpid()}")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
        assert left.read_text() == f"{os.getpid()}"


@pytest.mark.parametrize("orders", [[False], [True], [False, False], [False, True], [True, False]])
def test_the_last_order_counts(orders):
    """Whatever came before, all see what was told last, and that there is something to follow."""
    board = Board(2)
    board.orders.set(0, "toy")
    one, other = (Orders(Seat(board, number), "toy") for number in (0, 1))
    for loaded in orders:
        one.give(loaded=loaded)
        assert not one.pending
        assert other.pending
        assert other.loaded is loaded
        other.follow()
        assert not other.pending
