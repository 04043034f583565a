"""Long bodies are read, and answers with many flags written, in a thread.

So the event loop answers other clients meanwhile. There is one at a time, as without a thread, and
memory is needed for one; the others wait in line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

LONG = 1 << 16
"""Bytes of text up to which a body is read at once."""

P = ParamSpec("P")
T = TypeVar("T")


class Aside:
    """Where the long bodies of one event loop are read."""

    def __init__(self) -> None:
        self._line = asyncio.Lock()

    async def read(self, work: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
        """What ``work`` gives, which reads a long body. Raises what it raises."""
        async with self._line:
            return await asyncio.to_thread(work, *given, **more)


__all__ = ["LONG", "Aside"]
