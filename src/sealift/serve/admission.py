"""What the server takes on at once; what is more is turned away, not queued without bound."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar

from granian.rsgi import HTTPProtocol, ProtocolClosed

from sealift import clock
from sealift.serve.refusal import RefusalError

T = TypeVar("T")


class Holder(Protocol):
    """Who holds room: a call."""

    reserved: int


class Caller(Protocol):
    """Who waits for the model: until when (0: for ever), and how to see that it has left."""

    deadline: float
    protocol: HTTPProtocol

    def late(self) -> RefusalError:
        """What it is told when the deadline has passed."""
        ...


class Room:
    """Bytes that the bodies of all requests under way may take together."""

    def __init__(self, size: int) -> None:
        self._free = size
        self.taken = 0

    def take(self, holder: Holder, size: int) -> None:
        """Reserve so many bytes more. Raises ``RefusalError`` (429) when they are not free."""
        if size > self._free:
            raise overloaded("Other requests take all memory for bodies.", 1.0)
        self._free -= size
        self.taken += size
        holder.reserved += size

    def leave(self, holder: Holder, size: int) -> None:
        """Free so many bytes of what a call holds."""
        self._free += size
        self.taken -= size
        holder.reserved -= size

    def give_back(self, holder: Holder) -> None:
        """Free all that a call holds."""
        self.leave(holder, holder.reserved)


class Lanes:
    """Threads for long calls of the model: as many at a time as there are lanes.

    A call is admitted while the work that waits is expected to be done within ``patience``
    seconds and before the call's own deadline.
    """

    def __init__(self, executor: Executor, lanes: int, patience: float) -> None:
        self._executor = executor
        self._lanes = lanes
        self._patience = patience
        self._free = asyncio.Semaphore(lanes)
        self.load = 0.0
        self.waiting = 0

    async def run(
        self,
        job: Callable[[], T],
        stop: Callable[[], None],
        cost: float,
        caller: Caller,
    ) -> T:
        """What ``job`` gives, in a thread; ``cost`` is its expected time in seconds.

        ``stop`` is called, from here, when nobody wants the answer any more. Raises
        ``RefusalError`` (429, and what the caller has for being late), and ``ProtocolClosed``
        when the client has gone.
        """
        self._admit(caller)
        self.load += cost
        turn = _Turn()
        work = asyncio.ensure_future(self._work(turn, job))
        work.add_done_callback(lambda _: self._leave(cost, work))
        gone = asyncio.ensure_future(_disconnected(caller.protocol))
        left = caller.deadline - clock.monotonic() if caller.deadline else None
        try:
            await asyncio.wait((work, gone), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if gone.done():
                raise ProtocolClosed
            raise caller.late()
        finally:
            gone.cancel()
            if not work.done():
                stop()
                if not turn.begun:
                    work.cancel()

    def _admit(self, caller: Caller) -> None:
        wait = self.load / self._lanes
        if caller.deadline and clock.monotonic() + wait > caller.deadline:
            raise caller.late()
        if wait > self._patience:
            raise overloaded("Too many requests wait for the model.", wait - self._patience)

    async def _work(self, turn: _Turn, job: Callable[[], T]) -> T:
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        turn.begun = True
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, job)
        finally:
            self._free.release()

    def _leave(self, cost: float, work: asyncio.Future[Any]) -> None:
        self.load = max(0.0, self.load - cost)
        # whoever gave up does not ask for the result, and asyncio would complain
        if not work.cancelled():
            work.exception()


class _Turn:
    """Whether a thread has begun with a job: only before can it be taken back."""

    begun = False


async def _disconnected(protocol: HTTPProtocol) -> None:
    await protocol.client_disconnect()


def overloaded(why: str, seconds: float) -> RefusalError:
    """429, and when to come again."""
    return RefusalError(
        f"{why} Try again later.",
        code="overloaded",
        status=429,
        headers=(("retry-after", str(max(1, math.ceil(seconds)))),),
    )


__all__ = ["Lanes", "Room", "overloaded"]
