"""What compiled code reads, it reads as the ordinary road does; else it leaves it alone."""

import json
import random

import numpy as np
import pytest
import toy_roads
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.serving.fuzz.mutate import DAMAGES

COUNT = 1500

NUMBERS = [
    "0", "-0", "-0.0", "0.0", "1", "-1", "1.0", "1.5", "00", "01", "-01", "1.", ".5", "+1", "1e",
    "1e+", "-", "1e5", "1E+2", "1e-2", "0e5", "-0e0", "1e400", "-1e400", "1e-400", "1.5e0005",
    "1e999999999", "0.1000000000000000055511151231257827021181583404541015625",
    "0.30000001192092896", "9007199254740993", "123456789012345678", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
    "18446744073709551616", "1" * 30, "1" * 400, "0." + "0" * 30 + "1", "0.12345678", "0.123456789",
    "12345678", "12345678.5", "123456789.5", "16.0", "16.000000000000001", "16.0000000000000001",
    "-1.5", "-1.5000000000000002", "1_0", "0x1", "NaN", "Infinity", "-Infinity", "null", "true",
    "false", "nul", "tru", '"1"', '""', "[1]", "[]", "{}", "1 2", "1,2", "", "\x201\x20", "\t1\n",
    "\v1", "1\0", "é", "3.4028235e38", "3.5e38", "2147483647", "2147483648", "127", "128", "-128",
    "-129", "255", "256", "250", "251", "5", "0.5",
]  # fmt: skip


@pytest.fixture(scope="module", params=["digits", "mixed", "table"])
def both(request):
    """Both roads, and rows that are wholly plain."""
    found = getattr(toy_roads, request.param)()
    rows = {
        "digits": [[0.25 * number - 1.5 + column for column in range(6)] for number in range(8)],
        "mixed": [
            [number, 10**number, 7 * number, 5, 0.1 * number, 0.5, number % 2 == 0, -number, number]
            for number in range(1, 9)
        ],
        "table": [[number, number / 9, number % 2, 3.0] for number in range(8)],
    }
    return found, rows[request.param]


def variants(one, rows):
    """The same request in the forms that clients choose."""
    tree = one.tree(rows)
    nested = json.loads(json.dumps(tree))
    for tensor in nested["inputs"]:
        count, width = tensor["shape"]
        flat = tensor["data"]
        tensor["data"] = [flat[row * width : (row + 1) * width] for row in range(count)]
    turned = {"inputs": [dict(sorted(one.items())) for one in reversed(tree["inputs"])]}
    yield one.body(rows)
    yield one.body(rows, id="a-1")
    yield json.dumps({"id": "", **nested}).encode()
    yield json.dumps(nested, indent=3).replace("\n", "\r\n\t").encode() + b" \n"
    yield json.dumps(turned, separators=(",", ":")).encode()
    yield json.dumps({**turned, "id": "x" * 128}).encode()


def test_plain_requests_are_read(both):
    """One row and several, flat and nested, members and tensors in any order, any white space."""
    one, rows = both
    for count in (1, 2, len(rows)):
        for body in variants(one, rows[:count]):
            assert one.agree(body), body


def test_a_column_may_come_without_its_second_dimension(both):
    """And a tensor of one dimension may come with it."""
    one, rows = both
    tree = one.tree(rows)
    for tensor in tree["inputs"]:
        if tensor["shape"][1] == 1:
            tensor["shape"] = tensor["shape"][:1]
    assert one.agree(json.dumps(tree).encode())


def test_each_form_of_a_number_means_the_same_or_is_left_alone(both):
    """In the place of each column, at the front and at the very end of a body."""
    one, rows = both
    read = 0
    for place in range(len(rows[0])):
        row = [*rows[0]]
        row[place] = "@"
        for more in ({}, {"id": "x" * 60}):
            body = one.body([row, rows[1]], **more).decode()
            for number in NUMBERS:
                read += one.agree(body.replace('"@"', number).encode())
    assert read > len(NUMBERS)


def test_a_body_cut_short_is_left_alone(both):
    """At each of its bytes."""
    one, rows = both
    for body in (one.body(rows[:2], id="a"), one.body(rows[:1])):
        for length in range(len(body)):
            assert one.express.read(body[:length]) == 0
        assert one.agree(body)


def test_damaged_requests_mean_the_same_or_are_left_alone(both):
    """Thousands, made from good ones by rules."""
    one, rows = both
    dice = random.Random(3)
    good = [*variants(one, rows[:2]), *variants(one, rows[:1])]
    read = 0
    for _ in range(COUNT):
        body = dice.choice(good)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            body = dice.choice(DAMAGES)(body, dice)
        read += one.agree(body)
    assert 0 < read < COUNT


@settings(derandomize=True, deadline=None, max_examples=150)
@given(data=st.data())
def test_floats_of_any_digits_are_the_same_to_the_last_bit(data):
    """Texts of many digits and exponents, and the texts of doubles and of rounded ones."""
    text = st.one_of(
        st.from_regex(
            r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?", fullmatch=True
        ),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
        st.floats(0, 1, width=32).map(repr),
    )
    cells = data.draw(st.lists(text, min_size=8, max_size=8))
    one = FLOATS
    body = (
        one.body([[0]]).decode().replace("[0]", f"[{','.join(cells)}]").replace("[1, 1]", "[8, 1]")
    )
    if not one.agree(body.encode()):
        wide = [float(cell) for cell in cells]
        assert not all(map(np.isfinite, wide)) or any(not set(cell) & set(".eE") for cell in cells)


FLOATS = toy_roads.roads([toy_roads.field("x", "float", "FP64")], [("y", "FP64", (1,))])


def test_what_is_not_wholly_plain_is_left_alone(both):
    """Parameters, chosen outputs, names twice, escapes, too many rows, shapes that do not fit,
    inputs that are missing or unknown, ids of other than plain ASCII, what is not JSON."""
    one, rows = both
    good = one.tree(rows[:1])
    (first, *others) = good["inputs"]
    text = json.dumps(good)
    odd = [
        {**good, "parameters": {}},
        {**good, "parameters": {"timeout": 9}},
        {**good, "parameters": {"binary_data_output": 1}},
        {**good, "parameters": {"binary_data_output": True, "timeout": 9}},
        {**good, "outputs": []},
        {**good, "outputs": [{"name": "nothing"}]},
        {**good, "outputs": [{"name": one.outputs[0].name}] * 2},
        {**good, "outputs": [{"name": one.outputs[0].name, "parameters": {"classification": 1}}]},
        {**good, "inputs": []},
        {**good, "inputs": [*good["inputs"], first]},
        {**good, "id": "x" * 129},
        {**good, "id": "é"},
        {**good, "id": 'a"'},
        {**good, "id": None},
        {**good, "id": 5},
        {**good, "inputs": [{**first, "shape": [2, len(first["data"])]}, *others]},
        {**good, "inputs": [{**first, "shape": [1, len(first["data"]), 1]}, *others]},
        {**good, "inputs": [{**first, "shape": []}, *others]},
        {**good, "inputs": [{**first, "shape": [1.0, len(first["data"])]}, *others]},
        {**good, "inputs": [{**first, "data": [*first["data"], first["data"][0]]}, *others]},
        {**good, "inputs": [{**first, "data": []}, *others]},
        {**good, "inputs": [{**first, "data": [[]]}, *others]},
        {**good, "inputs": [{**first, "data": [[first["data"]]]}, *others]},
        {**good, "inputs": [{**first, "datatype": "FP16"}, *others]},
        {**good, "inputs": [{**first, "name": "other"}, *others]},
        {**good, "inputs": [{**first, "parameters": {}}, *others]},
        {**good, "inputs": [{**first, "parameters": {"binary_data_size": 0}}, *others]},
        good["inputs"],
        one.tree(rows[:1] * 5000),
    ]
    bodies = [json.dumps(each).encode() for each in odd]
    bodies += [
        text.replace('"inputs"', '"inputs": [], "inputs"', 1).encode(),
        text.replace('"shape"', '"shape": [9], "shape"', 1).encode(),
        text.replace('"name"', '"n\\u0061me"', 1).encode(),
        text.replace("}", ",}", 1).encode(),
        (text + "x").encode(),
        (text + "\0").encode(),
        b"\xef\xbb\xbf" + text.encode(),
        b"",
        b"\xff",
        b"[" * 10_000,
        b'{"inputs":' * 10_000,
    ]
    for body in bodies:
        assert one.express.read(body) == 0, body[:200]
    assert one.express.read(text.encode()) == 1


def test_requests_lie_side_by_side(both):
    """Each from the row on at which the one before ended; one that has no room is left alone."""
    one, rows = both
    bodies = [one.body(rows[:2], id="a"), one.body(rows[2:3]), one.body(rows[3:7])]
    for first, body in zip((0, 2, 3), bodies, strict=True):
        assert one.agree(body, first)
    for first, count, body in zip((0, 2, 3), (2, 1, 4), bodies, strict=True):
        for name, array in one.asked(body).batch.feeds.items():
            assert one.express.inputs(first, count)[name].tobytes() == array.tobytes()
    assert one.agree(bodies[0], one.express.room - 2)
    assert one.express.read(bodies[0], one.express.room - 1) == 0
    assert one.express.read(bodies[0], one.express.room) == 0
    assert one.express.read(bodies[0], one.express.room + 9) == 0


def test_as_many_rows_as_the_contract_allows_are_read():
    """And not one more."""
    one = toy_roads.digits()
    assert one.agree(one.body([[0.5] * 6] * 50))
    assert one.express.read(one.body([[0.5] * 6] * 51)) == 0


def test_models_of_other_tensors_are_not_served():
    """Texts, and what JSON cannot carry."""
    for kind, dtype in (("string", "BYTES"), ("float", "FP16"), ("float", "INT64")):
        with pytest.raises(AssertionError):
            toy_roads.roads([toy_roads.field("x", kind, dtype)], [("y", "FP32", ())])
    with pytest.raises(AssertionError):
        toy_roads.roads([toy_roads.field("x", "float", "FP32")], [("y", "BYTES", ())])
