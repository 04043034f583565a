"""What the guard says of a row does not depend on which of its decoders has read it."""

import json
import random

import pytest

from sealift.record.contract import Contract, Field, Output
from sealift.serve.guard import Guard, Usual
from sealift.serve.refusal import RefusalError

FIELDS = (
    Field(name="wide", type="float", low=-1.5, high=2.5, tensor="wide", dtype="FP32"),
    Field(name="quote", type="float", minimum=0, low=0.25, high=0.75, tensor="q", dtype="FP64"),
    Field(name="count", type="int", low=2, high=6.5, maximum=9, tensor="count", dtype="INT64"),
    Field(name="free", type="int", tensor="free", dtype="INT8"),
    Field(name="maybe", type="float", nullable=True, low=0, high=1, tensor="maybe", dtype="FP32"),
    Field(name="open", type="string", categories=("a", 'b"'), tensor="open", dtype="BYTES"),
    Field(
        name="closed", type="string", categories=("x", "y"), closed=True, tensor="c", dtype="BYTES"
    ),
    Field(name="text", type="string", max_length=3, tensor="text", dtype="BYTES"),
    Field(name="truth", type="bool", tensor="truth", dtype="BOOL"),
)
VALUES = {
    "wide": [0, 1.5, -1.5, 2.5, 2.51, -9e30, 1e300, "x", None],
    "quote": [0.25, 0.5, 0.75, 0.1, 0, -0.1, True],
    "count": [2, 3, 6, 7, 1, 9, 10, 2.5, 3.0],
    "free": [0, 127, -128, 128],
    "maybe": [None, 0, 0.5, 1, 1.5],
    "open": ["a", 'b"', "c", "", None, 3],
    "closed": ["x", "y", "z"],
    "text": ["", "abc", "abcd", '"'],
    "truth": [True, False, 1, None],
}
CONTRACT = Contract(
    task="regression",
    target="t",
    fields=FIELDS,
    outputs=(Output(name="o", dtype="FP32", shape=(-1,)),),
    prediction="o",
)


def flagged(row):
    """What the contract says of a legal row: numbers outside the range seen, texts not seen."""
    found = []
    for field in FIELDS:
        value = row[field.name]
        if value is None:
            continue
        if field.low is not None and not field.low <= value <= field.high:
            found.append(field.name)
        if field.categories and not field.closed and value not in field.categories:
            found.append(field.name)
    return sorted(found)


@pytest.mark.parametrize("seed", range(4))
def test_usual_rows_are_those_without_flags(seed):
    """Both ways in, by name and by position, agree with the contract's own words."""
    dice = random.Random(seed)
    guard = Guard(CONTRACT)
    usual = 0
    for _ in range(500):
        likely = dice.choice([1, 3, 3, 9])
        row = {name: dice.choice(values[:likely]) for name, values in VALUES.items()}
        try:
            _, named = guard.read(json.dumps({"rows": [row]}).encode())
        except RefusalError:
            with pytest.raises(RefusalError):
                guard.check([list(row.values())], lambda _row, field: FIELDS[field].name)
            continue
        placed = guard.check([list(row.values())], lambda _row, _field: "")
        flags = guard.flags(named)
        assert named == placed == [tuple(row.values())]
        assert flags == guard.flags(placed)
        assert sorted(flags.get(0, [])) == flagged(row)
        assert isinstance(named, Usual) == (not flags)
        usual += not flags
    assert usual > 20


@pytest.mark.parametrize(
    "body",
    [
        '{"rows": [ROW], "rows": [ROW]}',
        '{"id": "1", "rows": [ROW], "id": "2"}',
        '{"rows": [{"wide": 1, "wide": 1, REST]}',
        '{"rows": [{"wide": 1, "wide": 9, REST]}',
    ],
)
def test_a_name_that_occurs_twice_is_refused_in_usual_rows_too(body):
    """Whichever of the two values were taken, the other would be lost."""
    rest = json.dumps({name: values[0] for name, values in VALUES.items() if name != "wide"})
    row = '{"wide": 1, ' + rest[1:]
    body = body.replace("ROW", row).replace("REST", rest[1:])

    with pytest.raises(RefusalError) as refusal:
        Guard(CONTRACT).read(body.encode())

    assert refusal.value.code == "repeated_field"


@pytest.mark.parametrize("given", [None, "", "plain", 'a"b', "\\", "ä"])
def test_an_id_does_not_look_like_a_name(given):
    """Quotation marks in it, or null for none, change nothing."""
    row = {name: values[0] for name, values in VALUES.items()}

    found, rows = Guard(CONTRACT).read(json.dumps({"id": given, "rows": [row] * 3}).encode())

    assert found == given
    assert len(rows) == 3
