"""What a request held is free as soon as it is answered, whatever the answer was."""

import asyncio
import gc
import gzip
import json

import pytest
from toy_street import played, uncollected
from toy_worker import LENGTH, ROWS, Worker, infer
from toy_worker import posted as sent

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


ROW = json.dumps({"rows": [{"a": 0.1, "b": 0.2, "c": 0.3}]}).encode()
CHUNKED = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


def predict(body, kind="application/json", **headers):
    """A request with rows by name."""
    return sent(body, path="/predict", **{"content-type": kind}, **headers)


KINDS = {
    "plain": sent(infer(ROWS[0])),
    "plain, with a long head": sent(infer(ROWS[0]), x="a" * 5000),
    "rows, with a long head": predict(ROW, x="a" * 5000),
    "chunks": CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(ROW), ROW),
    "bad chunks": CHUNKED + b"zz\r\n",
    "gzip": predict(gzip.compress(ROW), **{"content-encoding": "gzip"}),
    "bad gzip": predict(b"x", **{"content-encoding": "gzip"}),
    "a bad head": b"GARBAGE\r\n\r\n",
    "a doubtful head": b"GET /v2 HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
    "too large a body": b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n",
    "half a body": predict(ROW)[:-5],
    "no path": b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n",
    "bad JSON": predict(b"{"),
    "NaN": predict(ROW.replace(b"0.1", b"NaN")),
    "a name twice": predict(ROW.replace(b'"a"', b'"a": 1, "a"')),
    "a bad line": predict(b"{", "application/jsonl"),
    "a bad table": predict(b"a,b,c\n1,2\n", "text/csv"),
    "a bad cell": predict(b"a,b,c\n1,2,x\n", "text/csv"),
    "a cell that is no number": predict(b"a,b,c\n1,2,nan\n", "text/csv"),
    "bad Arrow": predict(b"x", "application/vnd.apache.arrow.stream"),
    "a deadline": predict(ROW, **{"x-sealift-timeout": "1e-9"}),
    "bad bytes": sent(b"{}", **{LENGTH: "99"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_a_client_sent_waits_for_the_collector(tensor_folder, kind):
    """Whatever it was, once the client has gone: a head alone may have 64 KiB."""

    async def visit(street):
        client = await street.enter(lent=False)
        client.out.write(KINDS[kind])
        client.out.write_eof()
        assert await client.come.read()
        client.out.close()
        await client.out.wait_closed()
        street.entered.clear()
        await asyncio.sleep(0.01)

    async def scene(street):
        left = await uncollected(lambda: visit(street))
        modules = {type(one).__module__.partition(".")[0] for one in left}
        return modules & {"sealift", "httptools"}

    assert played(Worker(tensor_folder), scene) == set()
