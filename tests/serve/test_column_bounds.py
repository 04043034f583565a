"""The bounds of columns hold for a tensor of any size as they do for each of its rows."""

import numpy as np
import pytest

from sealift.record.contract import Field
from sealift.serve.bounds import FEW, Numbers
from sealift.serve.refusal import RefusalError

WIDTH = 4
FIELDS = [
    Field(name=f"f{place}", type="float", dtype="FP32", tensor="x", column=place, **more)
    for place, more in enumerate(
        [
            {"low": -1.0, "high": 1.0},
            {"low": -1.0, "high": 1.0, "minimum": -2.0, "maximum": 2.0},
            {"minimum": -2.0},
            {"low": -9.0, "high": 9.0, "maximum": 2.0},
        ]
    )
]


def seen(numbers, array):
    """What is flagged of a tensor, or why it is refused."""
    try:
        found = numbers.check(array, lambda row, column: f"{row},{column}")
    except RefusalError as refused:
        return refused.where
    return [] if found is None else np.argwhere(found).tolist()


@pytest.mark.parametrize("rows", [1, 7, FEW // WIDTH, FEW // WIDTH + 1, 3 * FEW])
@pytest.mark.parametrize("span", [1.0, 1.9, 2.5])
def test_a_tensor_is_judged_as_its_rows_are_one_by_one(rows, span):
    """Whether its values are compared each or by the extremes of their columns."""
    numbers = Numbers(FIELDS)
    array = np.random.default_rng(rows).uniform(-span, span, (rows, WIDTH)).astype(np.float32)
    each = [seen(numbers, array[row : row + 1]) for row in range(rows)]
    refused = [f"{row},{one[2:]}" for row, one in enumerate(each) if isinstance(one, str)]

    if refused:
        assert seen(numbers, array) == refused[0]
    else:
        flags = [[row, *rest] for row, one in enumerate(each) for _, *rest in one]
        assert seen(numbers, array) == flags
        assert bool(flags) == (span > 1.0)


@pytest.mark.parametrize("rows", [1, FEW])
def test_nan_lies_within_no_bounds(rows):
    """Wherever it stands."""
    array = np.zeros((rows, WIDTH), np.float32)
    array[-1, 2] = np.nan

    assert seen(Numbers(FIELDS), array) == f"{rows - 1},2"
