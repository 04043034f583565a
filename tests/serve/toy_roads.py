"""Both roads of a request for one contract: compiled code, and what it must be equal to."""

import json
import random

import numpy as np

from sealift.record.contract import Contract, Field, Output
from sealift.serve import native
from sealift.serve.aside import LONG
from sealift.serve.encode import Encoder
from sealift.serve.guard import Guard
from sealift.serve.protocol import Protocol
from sealift.serve.quick import Quick
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import NUMPY, Packer, TensorInfo, sized

IDENTITY = ('a "b"', "7")


class Roads:
    """A contract, which needs no model here: what it would answer is given."""

    def __init__(self, contract, inputs, outputs):
        self.contract = contract
        self.inputs = sized(inputs, contract)
        self.outputs = outputs
        guard = Guard(contract)
        packer = Packer(contract, self.inputs)
        self.protocol = Protocol(guard, packer, self.inputs, outputs)
        self.quick = Quick(guard, packer, self.inputs, self.protocol)
        self.encoder = Encoder({one.name: one.datatype for one in outputs}, contract.classes)
        self.express = native.made(contract, self.inputs, outputs, IDENTITY)
        assert self.express is not None
        self._some = {}

    def asked(self, body, header=0):
        """The ordinary road, as the service takes it; None where it refuses."""
        try:
            found = self.quick.read(body) if not header and len(body) < LONG else None
            return found or self.protocol.read(body, str(header) if header else None)
        except RefusalError:
            return None

    def agree(self, body, first=0, header=0):
        """Whether compiled code reads it, from a row on; then both mean the same, to the byte."""
        rows = self.express.read(body, first, header)
        if not rows:
            return False
        given, form = self.express.given, self.express.form
        asked = self.asked(body, header)
        assert asked is not None, body
        assert (asked.id, asked.batch.count) == (given, rows), body
        assert (asked.batch.flags, asked.timeout) == ({}, 0), body
        feeds = self.express.inputs(first, rows)
        assert list(feeds) == list(asked.batch.feeds), body
        for name, array in asked.batch.feeds.items():
            assert (feeds[name].dtype, feeds[name].shape) == (array.dtype, array.shape), body
            assert feeds[name].tobytes() == array.tobytes(), body
        mine, theirs = self.answers(rows, given or "a", self.some(rows), form, asked.wanted)
        assert mine == theirs, body
        return True

    def answers(self, rows, given, outputs, form=0, wanted=()):
        """The bodies of both, and the lengths of their JSON where tensors in bytes follow it."""
        name, version = IDENTITY
        head = {"model_name": name, "model_version": version, "id": given}
        named = dict(zip((one.name for one in self.outputs), outputs, strict=True))
        wanted = wanted or self.protocol.all_wanted(binary=False)
        body, length = self.encoder.answer(named, wanted, head, {})
        return self.written(rows, given, outputs, form), (body, length or 0)

    def written(self, rows, given, outputs, form=0):
        """What compiled code writes."""
        if not self.express.hold(rows, outputs):
            return None
        body = self.express.write(0, rows, given, form)
        return body and (body, self.express.json)

    def some(self, rows):
        """Outputs of so many rows, always the same."""
        if rows not in self._some:
            self._some[rows] = values(self, random.Random(rows), rows)
        return self._some[rows]

    def body(self, rows, **more):
        """The request for some rows, each a list of values in the order of the fields."""
        return json.dumps(self.tree(rows, **more)).encode()

    def packed(self, rows, **more):
        """The request with its tensors as bytes behind the JSON, and where they begin."""
        tree, blobs = self.tree(rows, **more), []
        for tensor in tree["inputs"]:
            cells = [np.nan if cell is None else cell for cell in tensor.pop("data")]
            blobs.append(np.array(cells, NUMPY[tensor["datatype"]]).tobytes())
            tensor["parameters"] = {"binary_data_size": len(blobs[-1])}
        head = json.dumps(tree).encode()
        return b"".join((head, *blobs)), len(head)

    def tree(self, rows, **more):
        """The same, not yet a text."""
        fields = list(enumerate(self.contract.fields))
        inputs = []
        for tensor in self.inputs:
            columns = [place for place, one in fields if one.tensor == tensor.name]
            data = [row[place] for row in rows for place in columns]
            shape = [len(rows), len(columns)]
            inputs.append(
                {"name": tensor.name, "shape": shape, "datatype": tensor.datatype, "data": data}
            )
        return {"inputs": inputs, **more}


def field(name, kind, dtype, column=0, tensor=None, **more):
    """A field, whose tensor is its own if no other is named."""
    return Field(name=name, type=kind, dtype=dtype, column=column, tensor=tensor or name, **more)


def roads(fields, outputs, ranks=None, **more):
    """Roads for fields and outputs, these as (name, datatype, shape of a row)."""
    tensors = {one.tensor: one.dtype for one in fields}
    inputs = [
        TensorInfo(name, dtype, (None,) * (ranks or {}).get(name, 2))
        for name, dtype in tensors.items()
    ]
    contract = Contract(
        task="other",
        target="y",
        fields=tuple(fields),
        outputs=tuple(
            Output(name=name, dtype=kind, shape=(-1, *tail)) for name, kind, tail in outputs
        ),
        prediction=outputs[0][0],
        **more,
    )
    infos = [TensorInfo(name, kind, (None, *tail)) for name, kind, tail in outputs]
    return Roads(contract, inputs, infos)


def digits():
    """A matrix of floats, as most models take; a label and probabilities come back."""
    fields = [
        field(
            f"p{number}",
            "float",
            "FP32",
            number,
            "X",
            minimum=-4.0,
            maximum=40.0,
            low=-1.5,
            high=16,
        )
        for number in range(6)
    ]
    return roads(fields, [("label", "INT64", ()), ("probabilities", "FP32", (3,))], max_rows=50)


def mixed():
    """A tensor for each of several datatypes, with one dimension and with two."""
    fields = [
        field("small", "int", "INT8", low=-100, high=100),
        field("large", "int", "INT64"),
        field("byte", "int", "UINT8", low=0.5, high=250.5),
        field("huge", "int", "UINT64"),
        field("wide", "float", "FP64", low=-1e300, high=1e300),
        field("gap", "float", "FP32", nullable=True, low=0, high=1),
        field("yes", "bool", "BOOL"),
        field("pair0", "int", "INT32", 0, "pair"),
        field("pair1", "int", "INT32", 1, "pair", minimum=0, maximum=9),
    ]
    outputs = [("a", "FP64", (2,)), ("b", "BOOL", ()), ("c", "UINT64", (2, 2)), ("d", "INT8", (1,))]
    return roads(fields, outputs, {"small": 1, "wide": 1, "yes": 1})


def table():
    """A matrix of floats whose columns are whole numbers, truths and gaps too."""
    fields = [
        field("age", "int", "FP32", 0, "X", minimum=-9, maximum=900, low=0, high=120),
        field("rate", "float", "FP32", 1, "X", nullable=True, low=-1, high=1),
        field("member", "bool", "FP32", 2, "X"),
        field("count", "int", "FP32", 3, "X", nullable=True, minimum=-5, maximum=5000),
    ]
    return roads(fields, [("y", "FP32", (1,))])


def values(one, dice, count):
    """Random outputs of some rows: those that any model might give."""
    found = []
    for info in one.outputs:
        dtype = np.dtype(NUMPY[info.datatype])
        shape = (count, *info.shape[1:])
        raw = np.frombuffer(dice.randbytes(int(np.prod(shape)) * dtype.itemsize), dtype)
        if info.datatype == "BOOL":
            raw = raw.view(np.uint8) % 2 == 1
        if dtype.kind == "f":
            raw = np.where(np.isfinite(raw), raw, dtype.type(0.25))
        found.append(raw.reshape(shape))
    return found
