"""The collector looks at little at a time, and connections leave it nothing."""

import asyncio
import gc
import socket
import struct
import weakref

import pytest
from toy_http2 import PREFACE, settings
from toy_street import played, uncollected
from toy_worker import ROWS, Worker, infer, posted

from sealift.serve import garbage
from sealift.serve.garbage import YOUNG
from sealift.serve.rpc.connection import Connection
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.listener import SCRATCH
from sealift.serve.rpc.rota import Rota

MANY = 300_000
AT_ONCE = 1000


class Knot:
    """One that holds itself."""

    def __init__(self):
        self.own = self


@pytest.fixture
def settled():
    """The collector as a worker has it."""
    before = gc.get_threshold()
    garbage.settle()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@pytest.fixture
def looks(settled):
    """How many objects each look went through."""
    found = []

    def seen(phase, about):
        if phase == "start":
            made = range(about["generation"] + 1)
            found.append(sum(len(gc.get_objects(one)) for one in made))

    gc.callbacks.append(seen)
    try:
        yield found
    finally:
        gc.callbacks.remove(seen)


def test_whatever_lives_a_look_goes_through_what_is_young(looks):
    """Also where as much comes as goes, so that no look comes by itself."""
    alive = []
    for number in range(0, MANY, AT_ONCE):
        alive += [[one] for one in range(AT_ONCE)]
        if number % 5000 == 0:
            garbage.tidy()
    for _ in range(3):
        alive = alive[MANY // 3 :]
        for _ in range(0, MANY // 3, AT_ONCE):
            alive += [[one] for one in range(AT_ONCE)]
            garbage.tidy()
    assert len(alive) == MANY
    assert len(looks) > MANY // 5000
    assert max(looks) < YOUNG + 2 * AT_ONCE


def test_what_failed_is_free_at_the_next_look(settled):
    """A cycle that is young; nothing else is looked at for it."""
    knot = Knot()
    gone = weakref.ref(knot)
    del knot
    assert gone() is not None
    garbage.tidy()
    assert gone() is None


def reset(client):
    """Leave without a word."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


SAID = {"nothing": b"", "HTTP": posted(infer(ROWS[0])), "gRPC": PREFACE + settings()}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("leave", [reset, lambda _: None], ids=["reset", "closed"])
def test_a_connection_that_has_ended_leaves_no_transport_to_the_collector(
    tensor_folder, said, leave
):
    """Whoever ended it, and whatever it spoke: with a socket each, a flood would leave many."""
    worker = Worker(tensor_folder)
    desk, others = Desk(worker.house, worker.access, ""), set()
    rota, scratch = Rota(), memoryview(bytearray(SCRATCH))

    async def visit(street):
        client = socket.create_connection(("127.0.0.1", street.ports[0]))
        client.sendall(SAID[said])
        client.setblocking(False)
        if SAID[said]:
            await asyncio.get_running_loop().sock_recv(client, 1)
        leave(client)
        client.close()
        await asyncio.sleep(0.05)

    async def scene(street):
        left = await uncollected(lambda: visit(street))
        return [type(one).__name__ for one in left if isinstance(one, asyncio.Transport)]

    def other(transport, data):
        Connection(desk, others, 9, rota, scratch).take_over(transport, data)

    assert played(worker, scene, other=other) == []
