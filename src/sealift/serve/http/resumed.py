"""Coroutines that were begun outside of a task, because most of them never wait."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any


class Resumed(Coroutine[Any, Any, None]):
    """The rest of a coroutine that was begun by ``send`` and waits for ``first``, for a task."""

    def __init__(self, begun: Coroutine[Any, Any, None], first: Any) -> None:
        self._begun = begun
        self._first = first

    def send(self, value: Any, /) -> Any:
        """What it waits for next."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return self._begun.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error where it waits."""
        self._first = None
        return self._begun.throw(*error)

    def close(self) -> None:
        """Give it up."""
        self._begun.close()

    def __await__(self) -> Any:
        """Itself, as what tasks step through."""
        return self


__all__ = ["Resumed"]
