"""Tensors as bytes, and outputs that are chosen, are the same for compiled code as elsewhere."""

import itertools
import json
import random

import numpy as np
import pytest
import toy_roads

ROWS = {
    "digits": [[0.25 * number - 1.5 + column for column in range(6)] for number in range(8)],
    "mixed": [
        [number, 10**number, 7 * number, 5, 0.1 * number, None, number % 2 == 0, -number, number]
        for number in range(1, 9)
    ],
    "table": [
        [number, None if number == 4 else number / 9, number % 2, 3.0] for number in range(8)
    ],
}


@pytest.fixture(scope="module", params=ROWS)
def both(request):
    """Both roads, and rows that are wholly plain."""
    return getattr(toy_roads, request.param)(), ROWS[request.param]


def forms(one):
    """Ways to want an answer."""
    names = [info.name for info in one.outputs]
    yield {}
    for flag in (True, False):
        yield {"parameters": {"binary_data_output": flag}}
    for chosen in itertools.permutations(names, min(2, len(names))):
        yield {"outputs": [{"name": name} for name in chosen]}
        yield {
            "outputs": [
                {"name": name, "parameters": {"binary_data": place == 0}}
                for place, name in enumerate(chosen)
            ]
        }
        yield {
            "parameters": {"binary_data_output": True},
            "outputs": [
                {"name": chosen[0], "parameters": {"binary_data": False}},
                *({"name": name} for name in chosen[1:]),
            ],
        }


def test_tensors_in_bytes_are_read(both):
    """One row and several, with an id and without."""
    one, rows = both
    for count in (1, 2, len(rows)):
        assert one.agree(*place(one.packed(rows[:count])))
        assert one.agree(*place(one.packed(rows[:count], id="a-1"), first=3))


def place(packed, first=0):
    """What ``agree`` takes."""
    body, header = packed
    return body, first, header


def test_any_outputs_may_be_chosen_in_any_form(both):
    """All or some, in any order, as JSON and as bytes, for requests of both kinds."""
    one, rows = both
    for more in forms(one):
        assert one.agree(one.body(rows[:3], **more))
        assert one.agree(*place(one.packed(rows[:3], **more)))


def test_a_tensor_may_come_as_json_beside_others_in_bytes(both):
    """And the tensors in any order; their bytes lie in the order of the request."""
    one, rows = both
    body, header = one.packed(rows[:2])
    tree = json.loads(body[:header])
    blobs, at = [], header
    for tensor in tree["inputs"]:
        size = tensor["parameters"]["binary_data_size"]
        blobs.append(body[at : at + size])
        at += size
    tree["inputs"].reverse()
    head = json.dumps(tree).encode()
    assert one.agree(b"".join((head, *reversed(blobs))), 0, len(head))
    tree["inputs"][0] = one.tree(rows[:2])["inputs"][-1]
    head = json.dumps(tree).encode()
    assert one.agree(b"".join((head, *reversed(blobs[:-1]))), 0, len(head))


def test_values_at_the_edge_of_what_training_held_are_read(both):
    """As the tensor's own type holds them; what lies next to them beyond is left alone."""
    one, rows = both
    kinds = {info.name: np.dtype(toy_roads.NUMPY[info.datatype]) for info in one.inputs}
    read = 0
    for number, field in enumerate(one.contract.fields):
        if field.low is None or field.high is None:
            continue
        for bound, step in itertools.product((field.low, field.high), (-1, 0, 1)):
            row, dtype = [*rows[0]], kinds[field.tensor]
            row[number] = int(bound) + step
            if dtype.kind == "f":
                value = dtype.type(bound)
                beside = np.nextafter(value, dtype.type(step * np.inf)) if step else value
                row[number] = beside.item()
            if dtype.kind == "f" or np.iinfo(dtype).min <= row[number] <= np.iinfo(dtype).max:
                read += one.agree(*place(one.packed([row, rows[1]])))
    assert read > 2


def test_bytes_cut_short_or_too_many_are_left_alone(both):
    """At each length, and with each place said to be the end of the JSON."""
    one, rows = both
    body, header = one.packed(rows[:2], id="a")
    for length in range(len(body)):
        assert one.express.read(body[:length], 0, min(header, length)) == 0
    assert one.express.read(body + b"\0", 0, header) == 0
    for wrong in (*range(1, header), *range(header + 1, len(body) + 2), 0, 2**31, 2**40):
        assert one.express.read(body, 0, wrong) == 0
    assert one.agree(body, 0, header)


def test_damaged_bytes_mean_the_same_or_are_left_alone(both):
    """Thousands of tensors of any bits."""
    one, rows = both
    dice = random.Random(6)
    body, header = one.packed(rows[:2])
    read = 0
    for _ in range(1500):
        found = bytearray(body)
        for _ in range(dice.choice((1, 1, 2, 9))):
            at = dice.randrange(header if dice.random() < 0.9 else 0, len(found))
            found[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, found[at] ^ 1 << dice.randrange(8)))
        read += one.agree(bytes(found), 0, header)
    assert 0 < read < 1500


def test_what_is_not_wholly_plain_is_left_alone(both):
    """Truths that are none, sizes that do not fit, no rows, data and bytes at once."""
    one, rows = both
    body, header = one.packed(rows[:2])
    tree = json.loads(body[:header])
    (first, *others), size = tree["inputs"], len(body) - header
    odd = [
        {**first, "parameters": {}},
        {**first, "parameters": {"binary_data_size": -1}},
        {**first, "parameters": {"binary_data_size": size + 1}},
        {**first, "parameters": {"binary_data_size": 2**63}},
        {**first, "parameters": {"binary_data_size": 1.0}},
        {**first, "parameters": {"binary_data": True}},
        {**first, "shape": [0, *first["shape"][1:]]},
        {**first, "shape": [2**62, *first["shape"][1:]]},
        {**first, "shape": [1, *first["shape"][1:]]},
        {**first, "data": [1]},
        {key: value for key, value in first.items() if key != "parameters"},
    ]
    for each in odd:
        head = json.dumps({"inputs": [each, *others]}).encode()
        assert one.express.read(head + body[header:], 0, len(head)) == 0, each
    assert one.agree(body, 0, header)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_told_of_elsewhere(bad):
    """Even in an output that is not wanted, or goes back as bytes."""
    one = toy_roads.digits()
    chances = np.zeros((2, 3), np.float32)
    chances[0, 1] = bad
    outputs = [np.zeros(2, np.int64), chances]
    for more in forms(one):
        assert one.express.read(one.body([[0.5] * 6] * 2, **more)) == 2
        assert one.written(2, "a", outputs, one.express.form) is None
