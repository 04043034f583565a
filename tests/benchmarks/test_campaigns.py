"""A campaign goes wrong where a limit is missed, or where what has one could not be measured."""

import pytest

from benchmarks.campaign import sound
from benchmarks.result import Where, result
from benchmarks.serving.fuzz.campaign import slope

WHERE = Where(machine="a machine", commit="a commit", date="2026-01-01")


@pytest.mark.parametrize(
    ("samples", "limit", "right"),
    [([1.0], 2.0, True), ([3.0], 2.0, False), ([], 2.0, False), ([3.0], None, True)],
)
def test_only_what_has_a_limit_can_go_wrong(samples, limit, right):
    """A measure that is told for its own sake keeps whatever it is."""
    kept = result("kept", {"ours": [0.0]}, WHERE, limit=0.0)
    assert sound([kept, result("other", {"ours": samples}, WHERE, limit=limit)]) == right


LEVEL, ONCE = 92_000_000, 2_400_000
"""Bytes that a server holds, and that it gives back for a moment."""


def test_memory_that_was_given_back_for_a_moment_is_no_growth():
    """Nor is a large body that was there when the memory was looked at."""
    held = [LEVEL] * 60
    for place in (31, 33, 34):
        held[place] -= ONCE
    for place in (52, 58):
        held[place] += ONCE
    assert slope(held, 300_000) == 0


@pytest.mark.parametrize("step", [1, 4, 12])
def test_memory_that_grows_is_seen_whatever_comes_in_between(step):
    """Evenly, or in steps as the system is asked for more: 20 bytes a request are 2 MB in 100,000.

    What a few samples are off by does not hide it.
    """
    held = [LEVEL + number // step * step * 5000 * 20 for number in range(60)]
    for place in (31, 40, 58):
        held[place] -= ONCE
    assert 16 < slope(held, 300_000) < 24
