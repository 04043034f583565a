"""What compiled code writes is byte for byte what the ordinary road writes."""

import random
import struct

import numpy as np
import pytest
import toy_roads


@pytest.fixture(scope="module", params=["digits", "mixed", "table"])
def one(request):
    """Both roads of a contract."""
    return getattr(toy_roads, request.param)()


def test_answers_of_any_numbers_are_the_same(one):
    """All bits that a number can have, one row and several."""
    dice = random.Random(8)
    for number in range(200):
        rows = dice.choice((1, 2, 7))
        mine, theirs = one.answers(rows, f"id-{number}", toy_roads.values(one, dice, rows))
        assert mine == theirs


def test_ids_that_need_more_than_plain_ascii_are_left_alone(one):
    """Quotation marks, signs that are escaped, other letters, more than an id may have."""
    dice = random.Random(9)
    outputs = toy_roads.values(one, dice, 2)
    for given in ('a"', "a\\", "\n", "é", "\x7f", "x" * 129):
        assert one.written(2, given, outputs) is None
    for given in ("", "x" * 128, "/a b{}[],:'~!"):
        mine, theirs = one.answers(2, given, outputs)
        assert mine == theirs


def test_outputs_unlike_the_contract_are_left_alone(one):
    """Other rows, other shapes, other datatypes."""
    outputs = toy_roads.values(one, random.Random(10), 2)
    assert one.written(1, "a", outputs) is None
    assert one.written(3, "a", outputs) is None
    assert one.written(2, "a", [outputs[0][:, None], *outputs[1:]]) is None
    alike = outputs[0].view(np.dtype(f"u{outputs[0].itemsize}"))
    assert one.written(2, "a", [alike, *outputs[1:]]) is None


def test_each_request_of_a_call_has_the_answer_that_it_would_have_alone(one):
    """Their rows lie one after the other in the outputs of the call."""
    outputs = toy_roads.values(one, random.Random(11), 9)
    for first, rows in ((0, 2), (2, 1), (3, 6)):
        part = [array[first : first + rows] for array in outputs]
        _, (theirs, _) = one.answers(rows, "a", part)
        assert one.express.hold(9, outputs)
        assert one.express.write(first, rows, "a") == theirs
    for first, rows in ((9, 1), (8, 2), (0, 10), (0, 0)):
        assert one.express.write(first, rows, "a") is None


def test_outputs_that_were_not_taken_are_not_written(one):
    """Nor those of the call before."""
    outputs = toy_roads.values(one, random.Random(12), 2)
    assert one.express.hold(2, outputs)
    assert not one.express.hold(3, outputs)
    assert one.express.write(0, 2, "a") is None


def test_arrays_that_do_not_lie_in_a_row_are_written_in_order():
    """A model may give views."""
    one = toy_roads.digits()
    labels, chances = np.arange(8)[::-2], np.arange(12, dtype=np.float32).reshape(3, 4).T
    mine, theirs = one.answers(4, "a", [labels, chances])
    assert mine == theirs


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_left_alone(bad):
    """It becomes null, with a flag, on the other road."""
    one = toy_roads.digits()
    chances = np.zeros((2, 3), np.float32)
    chances[1, 2] = bad
    assert one.written(2, "a", [np.zeros(2, np.int64), chances]) is None


def test_floats_of_every_size_are_written_alike():
    """Whole ones, powers of two and of ten with their neighbours, the least and the largest."""
    one = toy_roads.roads([toy_roads.field("x", "float", "FP64")], [("y", "FP64", (64,))])
    found = [0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3]
    found += [2.0**power for power in range(-1074, 1024)]
    found += [float(f"1e{power}") for power in range(-323, 309)]
    found += [float(number) for number in range(1200)] + [number / 8 for number in range(99)]
    found += [float(10**power + step) for power in range(14, 18) for step in range(-9, 9)]
    near = [struct.unpack("<q", struct.pack("<d", value))[0] for value in found]
    bits = np.array([bit + step for bit in near for step in (-1, 0, 1)], np.int64)
    values = bits.view(np.float64)
    values = values[np.isfinite(values)]
    values = np.concatenate((values, -values))
    rows = np.resize(values, (len(values) // 64 + 1) * 64).reshape(-1, 64)
    for begin in range(0, len(rows), 4096):
        part = rows[begin : begin + 4096]
        mine, theirs = one.answers(len(part), "a", [part])
        assert mine == theirs


def test_widened_floats_are_written_alike():
    """Chances, as most models give them."""
    one = toy_roads.roads([toy_roads.field("x", "float", "FP32")], [("y", "FP32", (50,))])
    dice = np.random.default_rng(4)
    for size in (1e-9, 1e-5, 1e-3, 1, 1e3, 1e8, 1e17):
        rows = (dice.random((40, 50)) * size).astype(np.float32)
        mine, theirs = one.answers(40, "a", [rows])
        assert mine == theirs
