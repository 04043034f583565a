"""Compiled code finds a value beyond its column's bounds wherever it stands, as numpy does."""

import numpy as np
import pytest

from sealift.serve import native

TYPES = ["float32", "float64", "int8", "uint8", "int16", "int32", "int64", "uint64"]


def known(array, low, high):
    """What numpy says."""
    return bool(((array >= low) & (array <= high)).all())


@pytest.mark.parametrize("columns", [1, 2, 7, 16, 17, 64, 625])
@pytest.mark.parametrize("dtype", TYPES)
def test_both_agree_about_each_place(dtype, columns):
    """The first row, the last, and one between; each column; too small and too large."""
    dice = np.random.default_rng(columns)
    low = dice.integers(1, 50, columns).astype(dtype)
    high = (low + 50).astype(dtype)
    array = np.stack([low, high, (low + 7).astype(dtype)])
    assert native.within(array, low, high) is True
    for row in range(3):
        for column in range(columns):
            for wrong in (low[column] - 1, high[column] + 1):
                damaged = array.copy()
                damaged[row, column] = wrong
                assert native.within(damaged, low, high) is known(damaged, low, high) is False


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_no_number_lies_within_nothing(dtype):
    """Even where there are no bounds."""
    low, high = np.full(20, -np.inf, dtype), np.full(20, np.inf, dtype)
    array = np.zeros((5, 20), dtype)
    array[2] = np.inf
    assert native.within(array, low, high) is True
    array[3, 19] = np.nan
    assert native.within(array, low, high) is False


def test_values_that_do_not_lie_in_a_row_are_left_to_others():
    """And datatypes that are not served."""
    array, bound = np.zeros((4, 6), np.float32), np.zeros(3, np.float32)
    assert native.within(array[:, ::2], bound, bound) is None
    half = np.zeros((4, 3), np.float16)
    assert native.within(half, bound.astype(np.float16), bound.astype(np.float16)) is None
    assert native.within(array[:0, :3], bound, bound) is True
