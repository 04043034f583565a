"""Requests that are read in one go mean what they mean step by step."""

import json

import msgspec
import numpy as np
import pytest

from benchmarks.serving.fuzz.memory import Memory
from benchmarks.serving.fuzz.mutate import Mutator
from benchmarks.serving.fuzz.seeds import INFER, Seed
from sealift.serve.protocol import Protocol
from sealift.serve.quick import Quick
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import sized

COUNT = 2000


@pytest.fixture(scope="module", params=["columns_folder", "tensor_folder", "classes_folder"])
def readers(request):
    """Both ways of reading, for a model with a tensor a field and for two with one tensor."""
    memory = Memory(request.getfixturevalue(request.param))
    service, certified = memory.service, memory.certified
    contract = service.artifact.contract
    inputs = sized(certified.model.inputs, contract)
    guard = service.guard
    protocol = Protocol(guard, certified.packer, inputs, certified.model.outputs)
    quick = Quick(guard, certified.packer, inputs, protocol)
    rows = [dict(row) for row in service.artifact.golden.rows]
    # what is read in one go names the tensors as the metadata of the model does
    order = [tensor.name for tensor in inputs]
    fields = sorted(contract.fields, key=lambda field: order.index(field.tensor))
    yield quick, protocol, msgspec.structs.replace(contract, fields=tuple(fields)), rows
    memory.close()


def tree(contract, row, **more):
    """A row as tensors."""
    tensors = {}
    for field in contract.fields:
        tensors.setdefault(field.tensor, []).append(field)
    inputs = [
        {
            "name": name,
            "shape": [1, len(fields)],
            "datatype": fields[0].dtype,
            "data": [row[one.name] for one in sorted(fields, key=lambda one: one.column)],
        }
        for name, fields in tensors.items()
    ]
    return {"inputs": inputs, **more}


def same(quick, protocol, body):
    """Whether both read it, and the same; quick may leave anything to the other."""
    found = quick.read(body)
    if found is None:
        return False
    known = protocol.read(body, None)
    assert (found.id, found.timeout) == (known.id, known.timeout), body
    assert list(found.wanted) == list(known.wanted), body
    assert (found.batch.count, found.batch.flags) == (known.batch.count, known.batch.flags), body
    (mine,), (theirs,) = found.batch.rows([0])(), known.batch.rows([0])()
    assert (mine, [*map(type, mine)]) == (theirs, [*map(type, theirs)]), body
    assert list(found.batch.feeds) == list(known.batch.feeds), body
    for name, array in known.batch.feeds.items():
        mine = found.batch.feeds[name]
        assert (mine.dtype, mine.shape) == (array.dtype, array.shape), body
        assert mine.tobytes() == array.tobytes() or array.dtype == np.object_, body
        assert mine.tolist() == array.tolist() or np.isnan(array.astype(float)).any(), body
    return True


def test_rows_of_the_training_data_are_read_in_one_go(readers):
    """With an id and without, whatever the id holds; that is what makes it worth while."""
    quick, protocol, contract, rows = readers
    for number, row in enumerate(rows):
        assert same(quick, protocol, json.dumps(tree(contract, row)).encode())
        named = tree(contract, row, id=f'a "{number}" \\')
        assert same(quick, protocol, json.dumps(named).encode())


def test_what_is_not_plain_is_left_to_the_other(readers):
    """Parameters, chosen outputs, several rows, nested data, flagged and wrong values, names
    that occur twice, other orders of columns."""
    quick, _, contract, rows = readers
    good = tree(contract, rows[0])
    text = json.dumps(good)
    (first, *others) = good["inputs"]
    odd = [
        {**good, "parameters": {}},
        {**good, "outputs": []},
        {**good, "inputs": []},
        {**good, "inputs": [*good["inputs"], first]},
        {**good, "id": "x" * 129},
        {**good, "inputs": [{**first, "shape": [2, len(first["data"])]}, *others]},
        {**good, "inputs": [{**first, "data": [first["data"]]}, *others]},
        {**good, "inputs": [{**first, "data": [*first["data"], first["data"][0]]}, *others]},
        {**good, "inputs": [{**first, "datatype": "FP16"}, *others]},
        {**good, "inputs": [{**first, "parameters": {}}, *others]},
        {**good, "inputs": [{**first, "data": [[]]}, *others]},
    ]
    bodies = [json.dumps(one).encode() for one in odd]
    bodies += [
        text.replace('"inputs"', '"inputs": [], "inputs"', 1).encode(),
        text.replace('"shape"', '"shape": [9], "shape"', 1).encode(),
        text[:-1].encode(),
        b"",
        b"\xff",
        b"[" * 10_000,
    ]
    for body in bodies:
        assert quick.read(body) is None, body


def test_damaged_requests_mean_the_same_both_ways(readers):
    """Thousands, made from a good one by rules; whatever quick reads, the other reads alike."""
    quick, protocol, contract, rows = readers
    whole = tree(contract, rows[0], id="b-1")
    seed = Seed(INFER, {"content-type": "application/json"}, json.dumps(whole).encode(), whole)
    mutator = Mutator(5, [seed])
    read = 0
    for _ in range(COUNT):
        body = mutator.next().body
        try:
            read += same(quick, protocol, body)
        except RefusalError as refusal:
            pytest.fail(f"refused step by step: {refusal.what}: {body!r}")
    assert 0 < read < COUNT
