"""A worker whose clients come over sockets, by the short road and by the ordinary one alone."""

import asyncio
import gc
import re

from toy_worker import ROWS, infer, packed, posted

from sealift.serve import listening
from sealift.serve.http.listener import Listener
from sealift.serve.turn import Loop

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

KINDS = [
    posted(infer(ROWS[0])),
    posted(infer(*ROWS)),
    posted(infer(ROWS[1], given="mine")),
    posted(infer(ROWS[1]), **{"x-request-id": "theirs"}),
    posted(infer(ROWS[1], given="mine"), **{"X-Request-Id": "theirs"}),
    posted(infer(ROWS[2]), **{"x-sealift-generation": "7"}),
    posted(infer(ROWS[2]), **{"accept-encoding": "gzip"}),
    posted(infer(*ROWS * 20), **{"accept-encoding": "gzip", "x-request-id": "many"}),
    posted(infer(*ROWS * 20), **{"accept-encoding": "br", "x-request-id": "many"}),
    posted(infer(ROWS[3]), traceparent=TRACE),
    posted(infer(*ROWS * 20), **{"accept-encoding": "gzip", "traceparent": TRACE}),
    packed(ROWS[0]),
    packed(*ROWS, parameters={"binary_data_output": True}, id="bytes"),
]
"""Plain requests of each form."""


class Street:
    """A worker whose clients come over sockets; ``clients`` are those that are lent."""

    def __init__(self, worker, listener, ports):
        self.worker = worker
        self.listener = listener
        self.ports = ports
        self.entered = []

    @property
    def clients(self):
        """How many clients the turnstiles have."""
        return sum(len(one._files) for one in self.worker.app.express._turnstiles.values())

    async def enter(self, *, lent=True, ordinary=False):
        """A client, who is lent; or one whom only the ordinary road serves."""
        port = self.ports[ordinary]
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        self.entered.append(client)
        if lent and not ordinary:
            before = self.clients
            for _ in range(300):
                if self.clients > before:
                    break
                assert await client.ask(posted(infer(ROWS[0])))
        return client


class Client:
    """One end of a connection."""

    def __init__(self, come, out):
        self.come = come
        self.out = out

    async def ask(self, *pieces):
        """The answer to a request that comes in pieces."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.002)
            self.out.write(piece)
        return await self.answer()

    async def answer(self):
        """The next answer, or as much of it as comes before the server closes."""
        try:
            head = await self.come.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            return error.partial
        length = int(re.search(rb"\r\ncontent-length: (\d+)", head)[1])
        return head + await self.come.readexactly(length)


async def uncollected(visit):
    """The objects that a visit leaves to the collector; one before it loads what is loaded late."""
    await visit()
    gc.collect()
    gc.disable()
    try:
        await visit()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def played(worker, scene, *, within=60, **options):
    """What ``scene(street)`` gives, in so many seconds."""

    async def play():
        bound = listening.bound("127.0.0.1", [0]) + listening.bound("127.0.0.1", [0])
        ports = [one.getsockname()[1] for one in bound]
        listener = Listener(worker.app, bound[0], most=999, express=worker.app.express, **options)
        ordinary = Listener(worker.app, bound[1], most=999, **options)
        serving = asyncio.gather(listener.serve(), ordinary.serve())
        await asyncio.sleep(0)
        street = Street(worker, listener, ports)
        try:
            async with asyncio.timeout(within):
                return await scene(street)
        finally:
            for client in street.entered:
                client.out.close()
            for door in (listener, ordinary):
                door.end()
            await asyncio.wait_for(serving, 30)

    loop = Loop()
    worker.app.express.attend(loop.turns)
    try:
        return loop.run_until_complete(play())
    finally:
        loop.close()
