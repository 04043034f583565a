"""Streams that were ended early are known for a while, and cost little however many they are."""

import tracemalloc

import pytest

from sealift.serve.rpc.cut import MOST, SPAN, Cut

SHAPES = {
    "that follow each other": range(1, 2 * 4096, 2),
    "of which every other was answered": range(1, 4 * 4096, 4),
    "that are far apart": range(1, 2 * SPAN * 4096, 2 * SPAN + 2),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_streams_that_were_cut_take_little_memory(shape):
    """4,096 of them, as many as a client may have refused in one breath."""
    tracemalloc.start()
    try:
        cut = Cut()
        for number in SHAPES[shape]:
            cut.add(number)
        assert tracemalloc.get_traced_memory()[0] < 20_000
    finally:
        tracemalloc.stop()


def test_those_that_were_cut_are_told_from_all_others():
    """Also one that is cut long after those beside it; those longest unchanged are forgotten."""
    cut = Cut()
    numbers = range(1, 2 * SPAN * MOST, 6)
    for number in numbers:
        cut.add(number)
    assert [one for one in range(1, 2 * SPAN * MOST, 2) if one in cut] == list(numbers)
    assert 2 * SPAN + 3 in cut
    cut.add(3)
    cut.add(2 * SPAN * MOST + 1)
    assert 1 in cut
    assert 3 in cut
    assert 2 * SPAN * MOST + 1 in cut
    assert 2 * SPAN + 3 not in cut
