"""Flags are named truly however many there are, and many of them keep no other client waiting."""

import asyncio
import json
import threading

import msgspec
import numpy as np
import pytest
from test_grpc_turns import House
from toy_grpc import infer as grpc_infer
from toy_http2 import END_STREAM, frame, opening, words
from toy_worker import ROWS, Worker, infer, packed, posted
from tritonclient.grpc import service_pb2

from sealift.record.contract import Contract, Field, Output
from sealift.serve import flagged
from sealift.serve.guard import Guard
from sealift.serve.limits import Limits
from sealift.serve.protocol import Protocol
from sealift.serve.tensors import Packer, TensorInfo

MOST = 4096
NAMES = ["a", "b", "c"]
FAR = 5.0
FRAME = 1 << 14
SIZES = {"t": 2, "n": 3, "w": 2}
KINDS = {"n": ("FP64", "float"), "t": ("BYTES", "string"), "w": ("INT64", "int")}


def field(place, tensor, column):
    """A number that is seen from 0 to 1, or a text that is seen as one of two."""
    dtype, kind = KINDS[tensor]
    seen = {"categories": ("0", "1")} if kind == "string" else {"low": 0.0, "high": 1.0}
    return Field(
        name=f"{place} é",
        type=kind,
        tensor=tensor,
        dtype=dtype,
        column=column,
        nullable=kind != "int",
        **seen,
    )


PLACES = [("t", 1), ("n", 2), ("w", 0), ("n", 0), ("t", 0), ("n", 1), ("w", 1)]
MIXED = Contract(
    task="regression",
    target="y",
    fields=tuple(field(place, *where) for place, where in enumerate(PLACES)),
    outputs=(Output(name="y", dtype="FP32", shape=(-1, 1)),),
    prediction="y",
)
INPUTS = [TensorInfo(name, KINDS[name][0], (None, size)) for name, size in SIZES.items()]


def read(random, rows, share):
    """A request by column with so large a share outside, and the flags that its rows have."""
    guard = Guard(MIXED)
    protocol = Protocol(guard, Packer(MIXED, INPUTS), INPUTS, [TensorInfo("y", "FP32", (None, 1))])
    inputs = []
    for info in INPUTS:
        shape = [rows, info.shape[1]]
        flat = np.where(random.random(shape[0] * shape[1]) < share, 7, 1).tolist()
        if info.datatype == "BYTES":
            flat = [str(value) if random.random() < 0.9 else None for value in flat]
        inputs.append({"name": info.name, "shape": shape, "datatype": info.datatype, "data": flat})
    batch = protocol.read(json.dumps({"inputs": inputs}).encode(), None).batch
    return batch, guard.flags(batch.rows(range(rows))())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("rows", [40, MOST])
def test_columns_of_several_tensors_are_flagged_as_rows_are(rows, share):
    """Numbers in the order of the contract and then texts, wherever their columns lie."""
    batch, flags = read(np.random.default_rng(rows), rows, share)
    many = sum(map(len, flags.values())) > flagged.MANY
    named = batch.marks.named() if many else batch.flags

    assert (batch.marks is not None) == many
    assert named == flags
    assert list(named) == sorted(flags)
    assert flagged.counted(named) == {
        one.name: count
        for one in MIXED.fields
        if (count := sum(one.name in names for names in flags.values()))
    }


@pytest.mark.parametrize("rows", [1, flagged.FEW, flagged.FEW + 1, 500])
def test_flags_are_written_row_by_row_as_in_one_go(rows):
    """To the byte, also where rows share a list and names need escapes."""
    random = np.random.default_rng(rows)
    lists = [["a"], ["é", 'say "b"', "\\"], ["\n\u2028", "c"]]
    flags = {int(row): lists[random.integers(3)] for row in random.permutation(9 * rows)[:rows]}

    plain = msgspec.json.encode(flags)
    assert flagged.told(flags) == plain
    assert flagged.quoted(flags) == msgspec.json.encode(plain.decode())


def told(answer):
    """The flags of an answer over HTTP."""
    body = answer[answer.index(b"\r\n\r\n") + 4 :]
    content, _ = json.JSONDecoder().raw_decode(body.decode("latin-1"))
    return content["flags"] if "flags" in content else json.loads(content["parameters"]["flags"])


ROAD = [(FAR, FAR, FAR)] * MOST
NAMED = json.dumps({"rows": [dict(zip(NAMES, row, strict=True)) for row in ROAD]}).encode()
LONG = {"bytes": packed(*ROAD), "numbers": posted(infer(*ROAD)), "rows": posted(NAMED, "/predict")}
EACH = {str(row): NAMES for row in range(MOST)}


async def quiet_first(worker, come, written):
    """What a flagged request and a quiet one have of their answers while the thread is held up.

    Then the first is awaited.
    """
    gate, quiet = threading.Event(), worker.door(express=False)
    busy = asyncio.create_task(worker.service.aside.read(gate.wait))
    try:
        await asyncio.sleep(0)
        await come()
        for _ in range(10):
            await asyncio.sleep(0)
        quiet.come(posted(infer(ROWS[0])))
        before = bool(written()), b"".join(quiet.wire.written)[9:12]
    finally:
        gate.set()
    await busy
    async with asyncio.timeout(60):
        while not written():
            await asyncio.sleep(0.001)
    return before


@pytest.mark.parametrize("case", LONG)
def test_a_client_is_answered_while_many_flags_of_another_are_not_told_yet(tensor_folder, case):
    """Over HTTP; then all of them are told and counted."""
    worker = Worker(tensor_folder)

    async def scene():
        door = worker.door(express=False)

        async def come():
            door.come(LONG[case])

        before = await quiet_first(worker, come, lambda: door.wire.written)
        return before, b"".join(door.wire.written)

    before, answer = asyncio.run(scene())
    assert before == (False, b"200")
    assert told(answer) == EACH
    assert [worker.service.metrics.flags.get(name) for name in NAMES] == [MOST] * 3


def test_over_grpc_nobody_waits_for_many_flags_either(tensor_folder):
    """They come as they do over HTTP."""
    worker = Worker(tensor_folder, Limits())
    content = np.array(ROAD, "<f4").tobytes()
    asked = grpc_infer([("X", "FP32", [MOST, 3], content)]).SerializeToString()

    async def scene():
        client = await House(worker).client()

        async def come():
            await client.takes(opening(1))
            message = b"\0" + words(len(asked)) + asked
            for place in range(0, len(message), FRAME):
                piece, last = message[place : place + FRAME], place + FRAME >= len(message)
                await client.takes(frame("DATA", piece, 1, END_STREAM if last else 0))

        before = await quiet_first(worker, come, lambda: client.ended)
        return before, b"".join(content for _, _, content in client.sent("DATA"))

    before, answer = asyncio.run(scene())
    assert before == (False, b"200")
    said = service_pb2.ModelInferResponse.FromString(answer[5:])
    assert json.loads(said.parameters["flags"].string_param) == EACH


@pytest.mark.parametrize("rows", [2, MOST])
def test_an_answer_that_is_no_number_is_flagged_in_its_own_row_alone(tensor_folder, rows):
    """Rows that are flagged alike share their names until then."""
    worker = Worker(tensor_folder)
    worker.model.spoils = lambda array: [len(array) - 1]

    async def scene():
        door = worker.door(express=False)
        door.come(packed(*ROAD[:rows]))
        async with asyncio.timeout(60):
            while not door.wire.written:
                await asyncio.sleep(0.001)
        return b"".join(door.wire.written)

    found = told(asyncio.run(scene()))
    assert found == {str(row): NAMES for row in range(rows - 1)} | {str(rows - 1): [*NAMES, "y"]}
    assert worker.service.metrics.flags.get("y") == 1
