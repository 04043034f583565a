"""Which processor cores a sandbox runs on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable


def choose(cpus: float | None, allowed: Iterable[int], taken: Iterable[int]) -> tuple[int, ...]:
    """``cpus`` cores, rounded up, of those ``allowed``: the ones least often ``taken``.

    No limit, or one that leaves all of them, is the empty tuple: run anywhere.

    >>> choose(1.5, [0, 1, 2, 3], taken=[0, 0, 1])
    (2, 3)
    >>> choose(None, [0, 1], taken=[])
    ()
    """
    cores = sorted(allowed)
    if cpus is None or cpus > len(cores) - 1:
        return ()
    load = Counter(taken)
    return tuple(sorted(sorted(cores, key=lambda core: (load[core], core))[: math.ceil(cpus)]))


__all__ = ["choose"]
