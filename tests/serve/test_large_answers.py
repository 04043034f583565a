"""Large answers, and small bodies that become large ones, keep no other client waiting."""

import asyncio
import gzip
import threading
import zlib

import msgspec
import numpy as np
import pytest
import toy_models as models
from onnx import TensorProto, helper
from toy_running import build
from toy_worker import PATH, ROWS, Worker, infer, posted

from sealift.serve import coding, layout, tensors
from sealift.serve.refusal import RefusalError


@pytest.fixture(scope="module")
def wide_folder(tmp_path_factory):
    """A model that gives many numbers a row."""
    width = 50

    def model(path):
        models.save(
            path,
            [
                helper.make_node("MatMul", ["X", "W"], ["y"]),
                helper.make_node("MatMul", ["X", "V"], ["z"]),
            ],
            [("X", TensorProto.FLOAT, ["N", 3])],
            [("y", TensorProto.FLOAT, ["N", 1]), ("z", TensorProto.FLOAT, ["N", width])],
            [
                helper.make_tensor("W", TensorProto.FLOAT, [3, 1], [0.5, 1.0, 2.0]),
                helper.make_tensor("V", TensorProto.FLOAT, [3, width], [0.1] * 3 * width),
            ],
        )

    return build(tmp_path_factory.mktemp("wide"), model, models.tensor_table, target="y")


def test_a_small_body_that_becomes_a_large_one_is_inflated_in_a_thread(tensor_folder, monkeypatch):
    """That it does is known once 64 KiB of it are inflated."""
    inflated, where = coding.inflated, []

    def watched(body, limit):
        where.append((threading.current_thread() is threading.main_thread(), limit))
        return inflated(body, limit)

    monkeypatch.setattr(coding, "inflated", watched)
    worker = Worker(tensor_folder)
    packed = {
        size: gzip.compress(infer(ROWS[0]) + b" " * size) for size in (100, 20 * coding.LARGE)
    }

    async def scene(body):
        door = worker.door(express=False)
        door.come(posted(body, PATH, **{"content-encoding": "gzip"}))
        async with asyncio.timeout(60):
            while not door.wire.written:
                await asyncio.sleep(0.001)
        return b"".join(door.wire.written)[9:12]

    assert [asyncio.run(scene(body)) for body in packed.values()] == [b"200", b"200"]
    limit = worker.service.limits.body
    assert where == [(True, coding.LARGE), (True, coding.LARGE), (False, limit)]
    assert worker.house.room.taken == 0


def test_what_is_damaged_or_too_large_is_told_by_whoever_inflates():
    """Damage at once; that a body is too large, only where the bound is lower."""
    with pytest.raises(RefusalError, match="cannot be decompressed"):
        coding.at_once(b"\x1f\x8bx", 1 << 24)
    body = zlib.compress(bytes(1000))
    assert coding.at_once(body, 1000) == bytes(1000)
    with pytest.raises(RefusalError) as raised:
        coding.at_once(body, 999)
    assert raised.value.status == 413
    assert coding.at_once(zlib.compress(bytes(coding.LARGE + 1)), 1 << 24) is None


def test_a_client_is_answered_while_a_large_answer_to_another_is_not_written_yet(wide_folder):
    """The thread is held up; the answer is what it would be in one piece."""
    worker, gate = Worker(wide_folder), threading.Event()
    count = worker.service.guard.contract.max_rows
    several = [(0.5, 0.25, 0.125 * (number % 8)) for number in range(count)]
    large = posted(infer(*several), PATH)

    async def scene():
        busy = asyncio.create_task(worker.service.aside.read(gate.wait))
        await asyncio.sleep(0)
        slow, quick = worker.door(), worker.door(express=False)
        slow.come(large)
        worker.app.express.answer()
        for _ in range(10):
            await asyncio.sleep(0)
        quick.come(posted(infer(ROWS[0])))
        before = [b"".join(door.wire.written)[9:12] for door in (quick, slow)]
        gate.set()
        await busy
        async with asyncio.timeout(60):
            while not slow.wire.written:
                await asyncio.sleep(0.001)
        return before, b"".join(slow.wire.written).partition(b"\r\n\r\n")[2]

    try:
        before, answer = asyncio.run(scene())
    finally:
        gate.set()
    assert before == [b"200", b""]
    found = {one["name"]: one for one in msgspec.json.decode(answer)["outputs"]}
    assert (found["y"]["shape"], found["z"]["shape"]) == ([count, 1], [count, 50])
    ran = worker.model.run({"X": np.array(several, np.float32)})
    assert len(found["z"]["data"]) > tensors.PIECE
    assert found["z"]["data"] == ran["z"].reshape(-1).tolist()
    assert found["y"]["data"] == ran["y"].reshape(-1).tolist()


def test_the_short_road_gives_no_answer_of_more_numbers_than_a_turn_has_time_for(wide_folder):
    """Others take the ordinary road, which has a thread for them."""
    service = Worker(wide_folder).service
    code = service.gathering.code
    assert code.rows == layout.NUMBERS // 51 < service.guard.contract.max_rows
