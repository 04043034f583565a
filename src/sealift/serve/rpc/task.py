"""Tasks that begin at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def started(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task; where Python can, it has run already as far as it goes without waiting."""
    if sys.version_info >= (3, 12):
        # without a loop that is named, an eager task of C looks at None for whether it runs
        return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
    return asyncio.ensure_future(work)


__all__ = ["started"]
