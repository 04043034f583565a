"""Sketches: bins that fit the data, and counts that can be added up in any order."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift.record.observation import Sketch
from sealift.record.profile import FieldProfile
from sealift.stats.sketch import add, count, profile_numbers, profile_texts

numbers = st.lists(st.floats(width=32) | st.sampled_from([0.0, 1.0, math.nan]), max_size=60)
texts = st.lists(st.none() | st.sampled_from("abcde") | st.text(max_size=3), max_size=60)


def sketch(profile, values, since=0.0):
    """Values counted in one go."""
    counts, nulls = count(profile, values)
    return Sketch(version=1, field=profile.name, since=since, counts=counts, nulls=nulls)


@pytest.mark.parametrize("size", [1, 19, 20, 21, 1000])
def test_every_row_of_the_training_data_is_in_one_bin(size):
    """Counts and nulls of a profile add up to the number of rows, for few values and for many."""
    values = np.random.default_rng(7).normal(size=size)
    values[:: max(2, size // 3)] = np.nan

    profile = profile_numbers("x", values)

    assert len(profile.counts) == len(profile.edges) + 1
    assert sum(profile.counts) + profile.nulls == size


def test_many_values_are_spread_evenly():
    """Quantile edges: twenty bins of fifty rows each, give or take one."""
    profile = profile_numbers("x", np.random.default_rng(7).permutation(1000).astype(float))

    assert len(profile.counts) == 20
    assert set(profile.counts) <= {49, 50, 51}


def test_a_frequent_value_among_many_has_a_bin_of_its_own():
    """A column that is mostly zero keeps zero apart from the small numbers."""
    values = np.concatenate([np.zeros(900), np.arange(1, 101.0)])

    profile = profile_numbers("x", values)
    counts, _ = count(profile, [0.0] * 5)

    assert 900 in profile.counts
    assert counts[profile.counts.index(900)] == 5


def test_few_values_have_a_bin_each_between_below_and_above():
    """Months: what was never seen shows, on both sides."""
    profile = profile_numbers("month", np.repeat([1.0, 2.0, 3.0], [5, 6, 7]))

    assert profile.counts == (0, 5, 6, 7, 0)
    assert count(profile, [0, 1, 2, 3, 4, 13]) == ((1, 1, 1, 1, 2), 0)


def test_a_constant_column_shows_that_it_is_constant_no_more():
    """Below, exactly there, above."""
    profile = profile_numbers("year", np.full(10, 2013.0))

    assert count(profile, [2012.999, 2013, 2013.001]) == ((1, 1, 1), 0)
    assert (profile.mean, profile.deviation) == (2013.0, 0.0)


@pytest.mark.parametrize("values", [[], [math.nan, math.nan]])
def test_a_column_without_values_is_one_bin(values):
    """Nothing is known, so everything falls together."""
    profile = profile_numbers("x", np.array(values, np.float64))

    assert profile.edges == ()
    assert count(profile, [1.0, None, -3]) == ((2,), 1)


def test_the_largest_numbers_neither_overflow_nor_leave_json():
    """Mean and deviation stay finite and the profile survives JSON."""
    largest = float(np.finfo(np.float64).max)

    profile = profile_numbers("x", np.array([largest, largest, -largest, np.inf]))

    assert msgspec.json.decode(msgspec.json.encode(profile), type=FieldProfile) == profile
    assert sum(profile.counts) == 4
    assert math.isfinite(profile.mean)
    assert math.isfinite(profile.deviation)


def test_texts_keep_the_most_frequent_and_put_the_others_together():
    """Ties are broken by the alphabet, so that the profile does not depend on the order."""
    profile = profile_texts("t", ["b", "c", "a", "a", None, "d"], limit=2)

    assert profile.categories == ("a", "b")
    assert profile.counts == (2, 1, 2)
    assert profile.nulls == 1


def test_values_of_another_type_are_counted_by_their_spelling():
    """Class labels may come back as numbers or as texts."""
    assert count(profile_texts("y", ["0", "1", "true"]), [1, 1.0, 0, True, 2.5]) == (
        (1, 2, 1, 1),
        0,
    )
    numeric = profile_numbers("y", np.array([0.0, 1.0]))
    assert count(numeric, ["1", True, "?", 10**400, -(10**400)]) == ((1, 0, 2, 1), 1)


@settings(derandomize=True, max_examples=100)
@given(numbers, st.lists(numbers, min_size=3, max_size=3))
def test_adding_sketches_of_numbers_equals_one_pass(training, parts):
    """In any order and in any grouping."""
    profile = profile_numbers("x", np.array(training, np.float64))

    check_addition(profile, parts)


@settings(derandomize=True, max_examples=100)
@given(texts, st.lists(texts, min_size=3, max_size=3))
def test_adding_sketches_of_texts_equals_one_pass(training, parts):
    """In any order and in any grouping."""
    check_addition(profile_texts("t", training, limit=4), parts)


def check_addition(profile, parts):
    """Associative, commutative, and the same as counting everything at once."""
    a, b, c = (sketch(profile, values, since) for since, values in enumerate(parts))
    whole = sketch(profile, [value for values in parts for value in values])

    assert add(add(a, b), c) == add(a, add(b, c)) == add(c, add(b, a)) == whole


@settings(derandomize=True, max_examples=100)
@given(numbers)
def test_counting_the_training_data_gives_the_profile(training):
    """As an array and as a list of values with None."""
    values = np.array(training, np.float64)
    profile = profile_numbers("x", values)
    listed = [None if math.isnan(value) else value for value in training]

    assert count(profile, values) == count(profile, listed) == (profile.counts, profile.nulls)


def test_sketches_of_different_things_are_not_added():
    """Neither of two fields, nor of two versions, nor of different bins."""
    base = Sketch(version=1, field="x", since=0.0, counts=(1, 2))

    for other in (
        msgspec.structs.replace(base, field="y"),
        msgspec.structs.replace(base, version=2),
        msgspec.structs.replace(base, counts=(1, 2, 3)),
    ):
        with pytest.raises(ValueError, match="cannot be added"):
            add(base, other)
