"""What a request held is free as soon as it is answered, whatever the answer was."""

import gc
import json

import pytest

from benchmarks.serving.fuzz.memory import Memory, posted
from sealift.serve.batch import Batch


@pytest.fixture(params=[False, True], ids=["at once", "in a thread"])
def memory(request, tensor_folder):
    """A server whose calls of the model are expected to be short, or long."""
    made = Memory(tensor_folder, slow=request.param)
    yield made
    made.close()


def left(memory, body):
    """The batches that wait for the collector after a request, and the status of its answer."""
    asked = posted("/predict", {"content-type": "application/json"}, body)
    memory.asked(asked)
    gc.collect()
    gc.disable()
    try:
        status = memory.asked(asked)[9:12]
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        return [one for one in gc.garbage if isinstance(one, Batch)], status
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_no_answered_request_waits_for_the_collector(memory):
    """Its body may be large, and the collector comes late."""
    row = dict(memory.service.artifact.golden.rows[0])
    assert left(memory, json.dumps({"rows": [row]}).encode()) == ([], b"200")


def test_no_refused_request_waits_for_the_collector(memory):
    """Nor does what the error says keep what it was about."""
    row = dict(memory.service.artifact.golden.rows[0])
    name = next(iter(row))
    assert left(memory, json.dumps({"rows": [{**row, name: []}]}).encode()) == ([], b"400")
