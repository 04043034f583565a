"""Requests that go to the model in one call, and how one that makes it fail is told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from sealift import clock
from sealift.serve.batch import Batch
from sealift.serve.tensors import Array


class Runs(Protocol):
    """A model, as far as it is asked here; ``waits`` is true of one that needs a thread."""

    waits: bool

    def run(self, feeds: dict[str, Array], options: Any = None, /) -> dict[str, Array]:
        """The outputs by name."""
        ...

    def stoppable(self) -> Any:
        """Options of a call that ends soon once their ``terminate`` is true."""
        ...


class Timed(msgspec.Struct, frozen=True, gc=False):
    """A call of the model: when it started and ended, by the monotonic clock, and its rows."""

    started: float
    ended: float
    rows: int


class Ran(Timed, frozen=True, gc=False):
    """What the model said about a request, and in which call."""

    outputs: dict[str, Array]


class Ticket:
    """A request in the queue; ``kind`` is what it must share with those that it joins."""

    __slots__ = ("batch", "deadline", "group", "kind", "left", "ran", "rows", "said", "taken")

    def __init__(self, batch: Batch, deadline: float, ran: asyncio.Future[Ran]) -> None:
        self.batch = batch
        self.deadline = deadline
        self.kind = kind(batch)
        self.rows = batch.count
        self.ran = ran
        self.taken = False
        self.left = False
        self.group: Group | None = None
        self.said: Ran | Exception | None = None

    def leave(self) -> None:
        """Nobody waits for the answer any more."""
        self.left = True
        if self.group is not None:
            self.group.left()


class Group:
    """Tickets of one kind that go to the model together."""

    def __init__(self, model: Runs, tickets: list[Ticket], options: Any) -> None:
        self.tickets = tickets
        self.rows = sum(ticket.rows for ticket in tickets)
        self.calls: list[tuple[int, int, float]] = []
        self._model = model
        self._options = options
        for ticket in tickets:
            ticket.group = self

    def work(self) -> None:
        """Ask the model, in a thread; every ticket is told something, if only an error.

        A call that fails is made again in halves, until the requests whose rows are at fault stand
        alone: the others get their answers.
        """
        parts = [self.tickets]
        while parts:
            part = [ticket for ticket in parts.pop() if not ticket.left]
            if not part:
                continue
            try:
                self._ask(part)
            except Exception as error:  # noqa: BLE001  a model may fail in any way
                if len(part) == 1:
                    part[0].said = error
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]

    def _ask(self, part: list[Ticket]) -> None:
        counts = [ticket.rows for ticket in part]
        rows = sum(counts)
        feeds = joined([ticket.batch.feeds for ticket in part])
        started = clock.monotonic()
        outputs = self._model.run(feeds, self._options)
        ended = clock.monotonic()
        for ticket, own in zip(part, parted(outputs, counts), strict=True):
            ticket.said = Ran(started, ended, rows, own)
        self.calls.append((rows, len(part), ended - started))

    def tell(self) -> None:
        """Give all that still wait what the model said, in the event loop."""
        for ticket in self.tickets:
            # else both would hold each other, and the request's body, until the collector comes
            ticket.group = None
            if ticket.left or ticket.ran.done():
                continue
            if isinstance(ticket.said, Ran):
                ticket.ran.set_result(ticket.said)
            else:
                ticket.ran.set_exception(ticket.said or RuntimeError("The model said nothing."))

    def left(self) -> None:
        """Stop the model once nobody waits for it."""
        if all(ticket.left for ticket in self.tickets):
            self._options.terminate = True


def kind(batch: Batch) -> tuple[object, ...]:
    """What two batches must share to go to the model together: types and sizes of a row."""
    return tuple((name, array.dtype, array.shape[1:]) for name, array in batch.feeds.items())


def joined(feeds: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """The rows of several requests, one after the other, by tensor.

    >>> joined([{"x": np.array([[1, 2]])}, {"x": np.array([[3, 4], [5, 6]])}])["x"].tolist()
    [[1, 2], [3, 4], [5, 6]]
    """
    if len(feeds) == 1:
        return feeds[0]
    return {name: np.concatenate([one[name] for one in feeds]) for name in feeds[0]}


def parted(outputs: dict[str, Array], counts: Sequence[int]) -> list[dict[str, Array]]:
    """The outputs of each request among those that were joined, without copying them.

    Raises ``ValueError`` for an output that has not one entry a row.

    >>> parted({"y": np.array([1, 2, 3])}, [1, 2])
    [{'y': array([1])}, {'y': array([2, 3])}]
    """
    if len(counts) == 1:
        return [outputs]
    rows = sum(counts)
    for name, array in outputs.items():
        if not array.ndim or len(array) != rows:
            raise ValueError(f"the output {name!r} has shape {array.shape} for {rows} rows")
    parts, start = [], 0
    for count in counts:
        end = start + count
        parts.append({name: array[start:end] for name, array in outputs.items()})
        start = end
    return parts


__all__ = ["Group", "Ran", "Runs", "Ticket", "Timed", "joined", "kind", "parted"]
