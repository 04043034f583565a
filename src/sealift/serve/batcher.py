"""Between checked requests and the model: those that wait for it go to it together.

A request that finds a free lane is run at once; nothing ever waits for company. While all lanes
are busy, requests queue, and a lane that becomes free takes the first of them and those that can
join it.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Protocol

from sealift import clock
from sealift.serve.admission import overloaded
from sealift.serve.batch import Batch
from sealift.serve.cost import Cost
from sealift.serve.gone import GoneError
from sealift.serve.group import Group, Ran, Runs, Ticket, Timed
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import Array

INLINE = 0.002
"""Seconds that a call of the model may keep other requests waiting; a longer one has a thread."""

WORTH = 0.00005
"""Seconds that a call must cost for short ones to be gathered. To wait for the event loop's next
turn, and the answers' way back, cost 30 microseconds where one request comes alone and 8 where
four come together."""

FOREVER = math.inf

SAMPLED = 16
"""One in so many short calls is measured for its cost."""

ROOMY = 0.01
"""Seconds that a joined call may take in any case, unless a target says otherwise."""


class Client(Protocol):
    """Who asks."""

    async def client_disconnect(self) -> None:
        """Wait until it has left."""
        ...


class Caller(Protocol):
    """Who waits for the model: until when (0: for ever), and how to see that it has left."""

    deadline: float
    protocol: Client

    def late(self) -> RefusalError:
        """What it is told when the deadline has passed."""
        ...


class Batcher:
    """Runs a model for requests, in ``lanes`` threads or, where a call is short, at once.

    A request is admitted while what waits is expected to be done within ``patience`` seconds and
    before the request's own deadline. ``target`` is the time in seconds from a request to its
    answer that joining must not exceed (0: no joined call takes longer than two calls of a row,
    or ``ROOMY``). ``observe`` is told the rows, requests and seconds of each call that succeeded.
    Until ``join`` is called, every request has a call of its own.
    """

    def __init__(
        self,
        model: Runs,
        cost: Cost,
        executor: Executor,
        *,
        lanes: int,
        patience: float,
        target: float = 0.0,
        observe: Callable[[int, int, float], None],
    ) -> None:
        self.cost = cost
        self.most = 1
        self._model = model
        self._executor = executor
        self._lanes = self._free = lanes
        self._patience = patience
        self._target = target
        self._observe = observe
        self._queue: list[Ticket] = []
        self._rows = 0
        self._running = 0.0
        self._short = 0
        self._met: list[Ticket] = []
        self._gathering = 0

    def join(self, most: int, samples: Iterable[tuple[int, float]] = ()) -> None:
        """Join requests of up to so many rows together from now on.

        ``samples`` are rows and seconds of calls that were measured meanwhile.
        """
        self.most = most
        for rows, seconds in samples:
            self.cost.learn(rows, seconds)

    @property
    def waiting(self) -> int:
        """Requests that wait for a lane."""
        return len(self._queue)

    async def run(self, batch: Batch, caller: Caller) -> Ran:
        """The model's answer to a batch.

        Raises ``RefusalError`` (429, and what the caller has for being late), ``GoneError``
        when the client has gone, and what the model raises for these rows.
        """
        if self.short(batch.count):
            if self._gathers:
                return await self._gathered(batch)
            return self.called(batch.feeds, batch.count, 1)
        self._admit(caller)
        loop = asyncio.get_running_loop()
        ticket = Ticket(batch, caller.deadline, loop.create_future())
        self._queue.append(ticket)
        self._rows += batch.count
        self._start()
        gone = asyncio.ensure_future(_disconnected(caller.protocol))
        left = caller.deadline - clock.monotonic() if caller.deadline else None
        try:
            await asyncio.wait((ticket.ran, gone), timeout=left, return_when="FIRST_COMPLETED")
            if ticket.ran.done():
                return ticket.ran.result()
            if gone.done():
                raise GoneError
            raise caller.late()
        finally:
            gone.cancel()
            if not ticket.ran.done():
                self._leave(ticket)

    def at_once(self, batch: Batch) -> Ran | None:
        """The model's answer to a batch that need not wait; None for one that must ``run``.

        Raises what the model raises for these rows.
        """
        if self._gathers or not self.short(batch.count):
            return None
        return self.called(batch.feeds, batch.count, 1)

    def short(self, rows: int) -> bool:
        """Whether a call of so many rows may keep other requests waiting."""
        return not self._model.waits and self.cost.of(rows) < INLINE

    def longest(self) -> int:
        """The most rows of a ``short`` call; 0 for none."""
        return 0 if self._model.waits else max(0, int((INLINE - self.cost.call) / self.cost.row))

    def together(self) -> int:
        """The most rows of several requests that may have a short call together."""
        return min(self.most, self.longest())

    def called(self, feeds: dict[str, Array], rows: int, requests: int) -> Ran:
        """The model's answer at once to ``requests`` of so many rows in all.

        Raises what the model raises.
        """
        outputs: dict[str, Array] = {}
        ran = self.timed(lambda: outputs.update(self._model.run(feeds)), rows, requests)
        return Ran(ran.started, ran.ended, rows, outputs)

    def timed(self, call: Callable[[], object], rows: int, requests: int) -> Timed:
        """Make a short ``call`` of the model, with so many rows of so many requests, at once.

        Raises what it raises.
        """
        started = clock.monotonic()
        call()
        ended = clock.monotonic()
        self._short += 1
        if self._short % SAMPLED == 0:
            self.cost.learn(rows, ended - started)
        self._observe(rows, requests, ended - started)
        return Timed(started, ended, rows)

    @property
    def _gathers(self) -> bool:
        return self.most > 1 and self.cost.call > WORTH

    async def _gathered(self, batch: Batch) -> Ran:
        loop = asyncio.get_running_loop()
        ticket = Ticket(batch, 0.0, loop.create_future())
        rows = self._gathering + ticket.rows
        met = self._met
        if met and (ticket.kind != met[0].kind or rows > self.most or self.cost.of(rows) >= INLINE):
            self._flush()
        if not self._met:
            loop.call_soon(self._flush)
        self._met.append(ticket)
        self._gathering += ticket.rows
        return await ticket.ran

    def _flush(self) -> None:
        met, self._met, self._gathering = self._met, [], 0
        if met:
            group = Group(self._model, met, None)
            group.work()
            self._told(group)

    def _admit(self, caller: Caller) -> None:
        wait = 0.0 if self._free and not self._queue else self._expected()
        if caller.deadline and clock.monotonic() + wait > caller.deadline:
            raise caller.late()
        if wait > self._patience:
            raise overloaded("Too many requests wait for the model.", wait - self._patience)

    def _expected(self) -> float:
        """Seconds until all that is under way is done."""
        queued = self._rows * self.cost.row + self._calls() * self.cost.call
        return (self._running + queued) / self._lanes

    def _calls(self) -> int:
        if self.most == 1:
            return len(self._queue)
        # as many calls as the rows fill, and no more than there are requests
        return min(len(self._queue), 1 + self._rows // max(1, self._bound()))

    def _bound(self) -> int:
        """Rows that a joined call may have."""
        alone = self.cost.of(1)
        seconds = self._target / 2 if self._target else max(2 * alone, ROOMY)
        return min(self.most, int((seconds - self.cost.call) / self.cost.row))

    def _start(self) -> None:
        while self._free and self._queue:
            tickets = self._taken()
            if tickets:
                self._free -= 1
                group = Group(self._model, tickets, self._model.stoppable())
                expected = self.cost.of(group.rows)
                self._running += expected
                done = asyncio.wrap_future(self._executor.submit(group.work))
                done.add_done_callback(functools.partial(self._end, group, expected))

    def _taken(self) -> list[Ticket]:
        """The first that waits, and those that make the answers come sooner by joining it."""
        now = clock.monotonic()
        # who is late is told so at its deadline, which is now
        waiting = [one for one in self._queue if not one.deadline or now < one.deadline]
        taken = self._company(waiting, now) if self.most > 1 else waiting[:1]
        for ticket in taken:
            ticket.taken = True
        self._queue = [ticket for ticket in waiting if not ticket.taken]
        self._rows = sum(ticket.rows for ticket in self._queue)
        return taken

    def _company(self, waiting: list[Ticket], now: float) -> list[Ticket]:
        taken = waiting[:1]
        bound = self._bound()
        rows = sum(ticket.rows for ticket in taken)
        until = min((ticket.deadline or FOREVER for ticket in taken), default=FOREVER)
        for place, ticket in enumerate(waiting[1:], start=1):
            if ticket.kind != taken[0].kind:
                continue
            rows += ticket.rows
            until = min(until, ticket.deadline or FOREVER)
            if rows > bound or now + self.cost.of(rows) > until:
                break
            # the saved call speeds up all that wait; the rows hold up those already taken
            saved = (len(waiting) - place) * self.cost.call
            if saved < len(taken) * ticket.rows * self.cost.row:
                break
            taken.append(ticket)
        return taken

    def _end(self, group: Group, expected: float, done: asyncio.Future[None]) -> None:
        self._free += 1
        self._running -= expected
        if not done.cancelled():
            # what a group cannot handle itself is no fault of a request; each is told
            done.exception()
        self._told(group)
        self._start()

    def _told(self, group: Group) -> None:
        for rows, requests, seconds in group.calls:
            self.cost.learn(rows, seconds)
            self._observe(rows, requests, seconds)
        group.tell()

    def _leave(self, ticket: Ticket) -> None:
        ticket.leave()
        if ticket in self._queue:
            self._queue.remove(ticket)
            self._rows -= ticket.rows


async def _disconnected(client: Client) -> None:
    await client.client_disconnect()


__all__ = ["INLINE", "Batcher", "Caller", "Client"]
