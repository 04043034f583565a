"""What a client of gRPC sent is free as soon as it has gone, whatever it was."""

import asyncio

import pytest
from toy_grpc import METHOD, infer
from toy_http2 import END_HEADERS, END_STREAM, PREFACE, frame, opening, settings, words
from toy_street import played, uncollected
from toy_wire import packed
from toy_worker import Worker

from sealift.serve.rpc.connection import Connection
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.listener import SCRATCH
from sealift.serve.rpc.rota import Rota

ASKED = infer([("X", "FP32", [1, 3], packed([0.5, 1.0, -1.5], "f4"))]).SerializeToString()
MESSAGE = b"\0" + words(len(ASKED)) + ASKED
STREAM = METHOD + "ModelStreamInfer"

KINDS = {
    "a call": opening(1) + frame("DATA", MESSAGE, 1, END_STREAM),
    "a stream": opening(1, STREAM) + frame("DATA", MESSAGE * 3, 1, END_STREAM),
    "half a stream": opening(1, STREAM) + frame("DATA", MESSAGE + MESSAGE[:9], 1),
    "half a message": opening(1) + frame("DATA", MESSAGE[:9], 1),
    "half a frame": opening(1) + frame("DATA", MESSAGE, 1)[:-1],
    "half the fields": frame("HEADERS", b"\0" * 9000, 1),
    "no method": opening(1, "/a.B/C", ended=True),
    "no message": opening(1) + frame("DATA", b"\0\0\0\0\1\xff", 1, END_STREAM),
    "a call that is given up": opening(1) + frame("RST_STREAM", words(8), 1),
    "malformed fields": frame("HEADERS", b"\x82", 1, END_HEADERS | END_STREAM),
    "fields of nothing": frame("HEADERS", b"\xff\xff", 1, END_HEADERS),
    "too many fields": frame("HEADERS", b"\0\1a\0" * 4000, 1, END_HEADERS),
    "a wrong frame": frame("PING", b"123"),
    "pings": frame("PING", b"12345678") * 5000,
    "a parting": frame("GOAWAY", words(0, 0)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_a_client_sent_waits_for_the_collector(tensor_folder, kind):
    """A connection holds some 50 KB of fields and frames that are not whole."""
    worker = Worker(tensor_folder)
    desk, others = Desk(worker.house, worker.access, ""), set()
    rota, scratch = Rota(), memoryview(bytearray(SCRATCH))

    async def visit(street):
        client = await street.enter(lent=False)
        client.out.write(PREFACE + settings() + KINDS[kind])
        await client.come.read(1)
        await asyncio.sleep(0.02)
        client.out.close()
        while others:
            await asyncio.sleep(0.01)
        street.entered.clear()
        await asyncio.sleep(0.01)

    async def scene(street):
        return {
            type(one).__name__
            for one in await uncollected(lambda: visit(street))
            if type(one).__module__.partition(".")[0] in ("sealift", "hpack")
        }

    def other(transport, data):
        Connection(desk, others, 9, rota, scratch).take_over(transport, data)

    assert played(worker, scene, other=other) == set()
