"""Long lists of numbers mean what they mean value by value."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from sealift.serve.numerals import Numerals


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)))
@settings(derandomize=True, max_examples=200)
def test_numbers_are_those_of_the_standard_library_to_the_last_bit(values):
    """Of floats and of whole numbers alike, however they are written."""
    found = Numerals().read(json.dumps(values).encode(), "FP64")
    assert found is not None
    assert found.tobytes() == np.array(values, np.float64).tobytes()


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
@settings(derandomize=True, max_examples=100)
def test_whole_numbers_keep_all_their_digits(values):
    """Up to the limits of 64 bits."""
    assert Numerals().read(json.dumps(values).encode(), "INT64").tolist() == values


@pytest.mark.parametrize(
    ("text", "datatype"),
    [
        (b"[1, null]", "FP32"),
        (b"[1, true]", "FP32"),
        (b'[1, "2"]', "FP32"),
        (b"[[1], [2]]", "FP32"),
        (b"[1, [2]]", "FP32"),
        (b"[1, {}]", "FP32"),
        (b"[1e999]", "FP32"),
        (b"[NaN]", "FP32"),
        (b"[01]", "FP32"),
        (b"[1,]", "FP32"),
        (b"[1] 2", "FP32"),
        (b"{}", "FP32"),
        (b"1", "FP32"),
        (b"", "FP32"),
        (b"[" * 10_000, "FP32"),
        (b"[\xff]", "FP32"),
        (b"[1.5]", "INT64"),
        (b"[1.0]", "INT64"),
        (b"[9223372036854775808]", "INT64"),
        (b"[true]", "BOOL"),
        (b'["a"]', "BYTES"),
    ],
)
def test_anything_else_is_left_to_who_can_tell_why(text, datatype):
    """None comes back, and no error."""
    assert Numerals().read(text, datatype) is None


def test_what_was_read_stays_when_more_is_read():
    """A parser is used again and again, also after one that failed and after large lists."""
    numerals = Numerals()
    first = numerals.read(b"[1, 2]", "FP32")
    numerals.read(b"[3,", "FP32")
    large = numerals.read(b"[" + b"1.25," * 300_000 + b"2]", "FP32")
    last = numerals.read(b"[4, 5]", "FP32")
    assert (first.tolist(), last.tolist()) == ([1.0, 2.0], [4.0, 5.0])
    assert (large.size, large[:-1].min(), large[-1]) == (300_001, 1.25, 2.0)
