"""Python's collector of cycles: it looks at what is young, often and so at little.

Nobody is answered while it looks, a millisecond for every few thousand objects, and a flood of
connections or calls makes hundreds of thousands. By its own rules it looks when 20,000 more were
made than freed, so that where as many come as go, all of them are looked at at once, young as they
are. Requests and connections leave no cycles unless they fail; what outlives a look is looked at
again only with all memory that nobody needs (``relief``).
"""

from __future__ import annotations

import gc

YOUNG = 20_000
"""Objects, made and not freed since the last look, after which there is one before its time."""

NEVER = 1 << 30


def settle() -> None:
    """Take what lives now to live as long as the process: it is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, NEVER, NEVER)


def tidy() -> None:
    """Look at what was made since the last look."""
    gc.collect(0)


__all__ = ["YOUNG", "settle", "tidy"]
