"""Long messages of gRPC keep no other client waiting, and are read as short ones are."""

import asyncio
import random
import threading

import numpy as np
import pytest
from toy_grpc import infer as grpc_infer
from toy_worker import Worker

from sealift.serve import aside
from sealift.serve.messages import InputTensor
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc import wire
from sealift.serve.rpc.call import RemoteCall
from sealift.serve.rpc.contents import FIELDS, contents
from sealift.serve.rpc.desk import PREFIX, Desk
from sealift.serve.rpc.methods import INFER_PATH


def packed_numbers(values):
    """As members of a message hold them."""
    return b"".join(map(wire.varint, values))


def test_packed_numbers_mean_the_same_in_one_piece_and_in_many():
    """Of all lengths, at all places of the cuts."""
    dice = random.Random(9)
    for _ in range(20):
        values = [dice.getrandbits(dice.randrange(1, 65)) for _ in range(dice.randrange(40000))]
        assert wire.unpacked(memoryview(packed_numbers(values))).tolist() == values


@pytest.mark.parametrize(
    ("wrong", "why"), [(b"\x80" * 10 + b"\x01", "too long"), (b"\x80", "end early")]
)
@pytest.mark.parametrize("before", [0, wire.PIECE - 5, wire.PIECE, 3 * wire.PIECE])
def test_numbers_that_are_none_are_refused_in_any_piece(before, wrong, why):
    """Those that go on for too long, or are cut off."""
    with pytest.raises(RefusalError, match=why):
        wire.unpacked(memoryview(b"\x01" * before + wrong))


class Called:
    """A call over gRPC to a worker, in memory."""

    def __init__(self, worker):
        self._desk = Desk(worker.house, worker.access, "")

    async def infer(self, message):
        """The status of the answer."""
        body = b"\0" + len(message).to_bytes(PREFIX - 1, "big") + message
        reply = await self._desk.answer(RemoteCall(INFER_PATH, {}), body)
        return dict(reply.trailers)["grpc-status"]


def test_a_client_is_answered_while_a_long_message_of_typed_values_is_not_read_yet(tensor_folder):
    """The thread that reads long bodies is held up; raw values and short messages need none."""
    worker, gate = Worker(tensor_folder), threading.Event()
    called = Called(worker)
    rows = worker.service.guard.contract.max_rows
    values = np.full(3 * rows, 0.5, np.float32)
    typed = [("X", "FP32", [rows, 3], values.tolist() + [0.5] * aside.LONG)]
    raw = grpc_infer([("X", "FP32", [rows, 3], values.tobytes())]).SerializeToString()
    long = grpc_infer(typed, raw=False).SerializeToString()
    few = grpc_infer([("X", "FP32", [1, 3], [0.5, 0.5, 0.5])], raw=False).SerializeToString()

    async def scene():
        busy = asyncio.create_task(worker.service.aside.read(gate.wait))
        await asyncio.sleep(0)
        waits = asyncio.create_task(called.infer(long))
        quick = [await asyncio.wait_for(called.infer(one), 60) for one in (raw, few)]
        before = waits.done()
        gate.set()
        await busy
        return quick, before, await waits

    try:
        assert asyncio.run(scene()) == (["0", "0"], False, "3")
    finally:
        gate.set()


@pytest.mark.parametrize("kind", ["FP32", "INT64", "BOOL", "BYTES"])
def test_values_one_by_one_are_read_as_those_that_are_packed(kind):
    """In groups of members, of which the last may be short."""
    count, place = 2 * wire.GROUP + 5, FIELDS[kind]
    tensor = InputTensor("X", [count], kind)
    if kind == "BYTES":
        data = b"".join(wire.block(place, b"%d" % one) for one in range(count))
        whole = b"".join(
            len(b"%d" % one).to_bytes(4, "little") + b"%d" % one for one in range(count)
        )
    elif kind == "FP32":
        numbers = np.arange(count, dtype="<f4")
        data = b"".join(wire.varint(place << 3 | 5) + one.tobytes() for one in numbers)
        whole = numbers.tobytes()
    else:
        values = [one % 2 for one in range(count)] if kind == "BOOL" else list(range(count))
        data = b"".join(wire.number(place, one) for one in values)
        whole = np.array(values, "<i8" if kind == "INT64" else "u1").tobytes()
    assert contents(data, (0, len(data)), tensor, "inputs[0]", count) == whole
    with pytest.raises(RefusalError, match="too many members"):
        contents(data, (0, len(data)), tensor, "inputs[0]", count - 100)


def test_more_packed_numbers_than_a_request_may_hold_are_refused_before_they_are_read(monkeypatch):
    """Each takes eight bytes, and more on the way."""
    monkeypatch.setattr(wire, "unpacked", None)
    data = wire.block(3, b"\x01" * 101)
    with pytest.raises(RefusalError, match="'X' holds more values than any request may"):
        contents(data, (0, len(data)), InputTensor("X", [101], "INT64"), "inputs[0]", 100)
