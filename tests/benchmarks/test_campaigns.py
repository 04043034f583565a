"""A campaign goes wrong where a limit is missed, or where what has one could not be measured."""

import pytest

from benchmarks.campaign import sound
from benchmarks.result import Where, result

WHERE = Where(machine="a machine", commit="a commit", date="2026-01-01")


@pytest.mark.parametrize(
    ("samples", "limit", "right"),
    [([1.0], 2.0, True), ([3.0], 2.0, False), ([], 2.0, False), ([3.0], None, True)],
)
def test_only_what_has_a_limit_can_go_wrong(samples, limit, right):
    """A measure that is told for its own sake keeps whatever it is."""
    kept = result("kept", {"ours": [0.0]}, WHERE, limit=0.0)
    assert sound([kept, result("other", {"ours": samples}, WHERE, limit=limit)]) == right
