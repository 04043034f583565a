"""Plain requests for one model that came in one turn of the event loop, and their answers.

Their rows lie one after the other in the memory that the model is asked with. As many go to it
together as it is proven for; a call that fails, or gives what cannot be written plainly, answers
nobody: each of them must be asked again by itself, elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sealift import clock
from sealift.serve import log
from sealift.serve.company import Company, Member
from sealift.serve.group import Timed
from sealift.serve.inplace import InPlace
from sealift.serve.native import Express as Code
from sealift.serve.trace import Trace


class Plain:
    """A request that was read; ``rows`` from ``first`` on are its own.

    ``id`` is that in its body, empty where there is none, for its bringer to change, as are the
    ``generation`` and the ``trace``; ``origin`` is whatever that goes on with. ``came`` and
    ``read`` are by the monotonic clock. ``body`` is the answer's, None where it got none, ``json``
    the length of its JSON where tensors in bytes follow that, else 0; ``ran`` the call that
    answered it, and rows that lie together from ``begin`` on.
    """

    __slots__ = (
        *("begin", "body", "came", "first", "form", "generation", "id", "json", "origin", "ran"),
        *("read", "rows", "trace"),
    )
    requests = 1

    @property
    def reading(self) -> float:
        """Seconds that it took to read."""
        return self.read - self.came

    def __init__(self, origin: Any, code: Code, first: int, rows: int, came: float) -> None:
        self.origin = origin
        self.first = first
        self.rows = rows
        self.id = code.given or ""
        self.generation = 0
        self.trace: Trace | None = None
        self.form = code.form
        self.json = 0
        self.came = came
        self.read = clock.monotonic()
        self.body: bytes | None = None
        self.ran: Timed
        self.begin = 0

    def members(self, rows: Sequence[int]) -> Iterator[tuple[Member, Sequence[int]]]:
        """Itself."""
        yield Member(self.id, self.generation, self.first, self.rows, self.trace), rows


class Gathering:
    """Reads plain requests for a model, and asks it for all of them.

    ``note`` is told of those that were answered while their inputs are still in memory.
    """

    def __init__(self, placed: InPlace, note: Callable[[Code, Company], None]) -> None:
        self.placed = placed
        self.code = placed.code
        self.batcher = placed.batcher
        self.note = note
        self._waiting: list[Plain] = []
        self._rows = 0

    @property
    def full(self) -> bool:
        """Whether half the room is taken, so that a large request may find too little."""
        return 2 * self._rows > self.code.room

    def take(self, body: bytes, header: int, origin: Any) -> Plain | None:
        """A request, if it is plain: the next ``answered`` has its answer.

        Tensors in bytes follow its JSON at ``header``; 0 stands for JSON alone.
        """
        came = clock.monotonic()
        first = self._rows
        rows = self.code.read(body, first, header)
        if not rows or self.code.given == "" or not self.batcher.short(rows):
            return None
        plain = Plain(origin, self.code, first, rows, came)
        self._waiting.append(plain)
        self._rows = first + rows
        return plain

    def answered(self) -> list[Plain]:
        """All that were taken since, each with its answer unless it gets none."""
        waiting, self._waiting, self._rows = self._waiting, [], 0
        begin = rows = 0
        most = self.batcher.together()
        for number, plain in enumerate(waiting):
            if number > begin and rows + plain.rows > most:
                self._answer(waiting[begin:number], rows)
                begin, rows = number, 0
            rows += plain.rows
        self._answer(waiting[begin:], rows)
        for plain in waiting:
            if plain.body is not None:
                try:
                    self.note(self.code, plain)
                except Exception as error:  # noqa: BLE001  its answer is worth more
                    log.fault(error, "An answer was not counted.")
        return waiting

    def _answer(self, part: Sequence[Plain], rows: int) -> None:
        """Ask the model for some that lie side by side."""
        begin = part[0].first
        try:
            ran = self.placed.ask(begin, rows, len(part))
        except Exception:  # noqa: BLE001  a model may fail in any way, and is asked again elsewhere
            return
        if ran is None:
            return
        for plain in part:
            plain.ran, plain.begin = ran, begin
            plain.body = self.code.write(plain.first - begin, plain.rows, plain.id, plain.form)
            plain.json = self.code.json


__all__ = ["Gathering", "Plain"]
