"""The model, asked with the rows that lie in the memory of compiled code.

Requests are read into that memory, and answers written from it. A model that can be bound to it
reads its inputs there and writes its outputs there; what another one says is copied to it.
"""

from __future__ import annotations

from collections.abc import Callable

from sealift.serve.answering import Answering
from sealift.serve.batcher import Batcher
from sealift.serve.group import Timed
from sealift.serve.native import Express as Code

KEPT = 256
"""Places and numbers of rows for which a call is kept."""


class InPlace:
    """One model, asked in the memory of ``code``; for one thread."""

    def __init__(self, code: Code, model: Answering, batcher: Batcher) -> None:
        self.code = code
        self.batcher = batcher
        self._model = model
        self._calls: dict[tuple[int, int], Callable[[], object]] = {}

    def twin(self) -> InPlace:
        """The same model, asked in memory of its own."""
        return InPlace(self.code.twin(), self._model, self.batcher)

    def ask(self, first: int, rows: int, requests: int) -> Timed | None:
        """Ask for the rows from ``first`` on, of so many requests.

        The code holds the outputs then. None where they are not as the contract says; raises what
        the model raises.
        """
        call = self._calls.get((first, rows))
        if call is None:
            call = self._call(first, rows)
            if len(self._calls) < KEPT:
                self._calls[first, rows] = call
        self.code.all = 0
        ran = self.batcher.timed(call, rows, requests)
        return ran if self.code.all else None

    def _call(self, first: int, rows: int) -> Callable[[], object]:
        code, model = self.code, self._model
        feeds = code.inputs(first, rows)
        bound = model.bound(feeds, code.outputs(rows))
        if bound is None:
            return lambda: code.hold(rows, model.run(feeds).values())

        def call() -> None:
            bound()
            code.all = rows

        return call


__all__ = ["InPlace"]
