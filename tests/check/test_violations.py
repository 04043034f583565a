"""What the contract check sends: rows that fit, and rows that break one rule each.

The server's own guard is the judge.
"""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift.check.bodies import good_rows, rows_body, tensors, tensors_body, typical
from sealift.check.subject import Served, Subject
from sealift.check.violations import violations
from sealift.record.contract import Contract, Field, Golden, Output
from sealift.record.launch import Launch
from sealift.serve.guard import Guard
from sealift.serve.refusal import RefusalError

DTYPES = {
    "float": ("FP32", "FP64"),
    "int": ("INT32", "INT64"),
    "bool": ("BOOL",),
    "string": ("BYTES",),
}
NAMES = st.text("abcdefgh_", min_size=1, max_size=6)
BOUND = st.none() | st.floats(-1e6, 1e6).map(lambda value: round(value, 2))


@st.composite
def fields(draw, name):
    """A field that at least one value fits."""
    kind = draw(st.sampled_from(sorted(DTYPES)))
    low, high = draw(BOUND), draw(BOUND)
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high) + 1.0
    categories = draw(st.none() | st.lists(NAMES, min_size=1, max_size=4, unique=True))
    number = kind in ("int", "float")
    if kind == "int":
        low, high = (None if one is None else float(math.floor(one)) for one in (low, high))
    return Field(
        name=name,
        type=kind,
        nullable=draw(st.booleans()) and kind in ("float", "string"),
        minimum=low if number else None,
        maximum=high if number else None,
        categories=tuple(categories) if categories and kind == "string" else None,
        closed=draw(st.booleans()),
        max_length=draw(st.none() | st.integers(6, 40)) if kind == "string" else None,
        tensor=name,
        dtype=draw(st.sampled_from(DTYPES[kind])),
    )


@st.composite
def contracts(draw):
    """A contract with up to five fields."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    return Contract(
        task="regression",
        target="y",
        fields=tuple(draw(fields(name)) for name in names),
        outputs=(Output(name="y", dtype="FP32", shape=(-1, 1)),),
        prediction="y",
    )


def subject(contract, *rows):
    """An image with this contract and these golden rows."""
    return Subject(
        image="sha256:0",
        launch=Launch(argv=("x",)),
        model=Served(name="m", version=1),
        contract=contract,
        golden=Golden(rows=rows, outputs={"y": [0.0 for _ in rows]}),
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(contract=contracts())
def test_a_typical_row_fits_any_contract(contract):
    """Where no golden row is there to be sent."""
    rows = good_rows(subject(contract), 2)

    _, read = Guard(contract).read(msgspec.json.encode(rows_body(rows)))

    assert len(read) == 2


@settings(max_examples=150, deadline=None, derandomize=True)
@given(contract=contracts())
def test_every_violation_of_any_contract_is_refused_by_the_name_of_its_field(contract):
    """By the server's own guard."""
    guard = Guard(contract)
    row = {field.name: typical(field) for field in contract.fields}
    tried = list(violations(contract, row))

    assert {one.field for one in tried} >= {field.name for field in contract.fields}
    for one in tried:
        with pytest.raises(RefusalError) as caught:
            guard.read(msgspec.json.encode({"rows": [row, one.row]}))
        assert caught.value.status == 400
        assert one.field in caught.value.what + caught.value.where, one


def number(name, tensor, column):
    """A float field in a tensor of several columns."""
    return Field(name=name, type="float", tensor=tensor, dtype="FP32", column=column)


def test_tensors_hold_their_fields_in_the_order_of_columns():
    """Tensors come in the order in which the contract first names them."""
    contract = Contract(
        task="regression",
        target="y",
        fields=(number("b", "x", 1), number("c", "z", 0), number("a", "x", 0)),
        outputs=(),
        prediction="y",
    )

    assert [(name, [one.name for one in own]) for name, _, own in tensors(contract)] == [
        ("x", ["a", "b"]),
        ("z", ["c"]),
    ]
    assert tensors_body(contract, [{"a": 1, "b": 2, "c": 3}, {"a": 4, "b": 5, "c": 6}], "me") == {
        "id": "me",
        "inputs": [
            {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1.0, 2.0, 4.0, 5.0]},
            {"name": "z", "shape": [2, 1], "datatype": "FP32", "data": [3.0, 6.0]},
        ],
    }


def test_golden_rows_without_nulls_are_sent_first():
    """They repeat until there are enough."""
    contract = Contract(
        task="regression",
        target="y",
        fields=(number("a", "x", 0),),
        outputs=(),
        prediction="y",
    )

    assert good_rows(subject(contract, {"a": None}, {"a": 1.0}, {"a": 2.0}), 3) == [
        {"a": 1.0},
        {"a": 2.0},
        {"a": 1.0},
    ]
