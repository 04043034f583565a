"""What is missing here while the network is switched off, said all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from sealift.errors import OfflineError

_T = TypeVar("_T")


def lacking(names: Sequence[str]) -> OfflineError:
    """The error for files that are in no cache here; ``names`` with their versions."""
    one = len(names) == 1
    return OfflineError(
        f"The network is switched off, and {len(names)} {'file is' if one else 'files are'} in no "
        f"cache here: {', '.join(names)}.",
        where="sealift.lock",
        remedy="Run `sealift train` once with a network; or copy the caches (SEALIFT_CACHE, and "
        "the folder that `uv cache dir` names) from a machine that has built this; or take "
        "network.offline and SEALIFT_OFFLINE away.",
        lacks=tuple(names),
    )


def gathered(makers: Iterable[Callable[[], _T]]) -> list[_T]:
    """What each of these makes; where some lack files, one error names those of all.

    Raises ``OfflineError``.
    """
    made: list[_T] = []
    lacks: list[str] = []
    for make in makers:
        try:
            made.append(make())
        except OfflineError as error:
            if not error.lacks:
                raise
            lacks += error.lacks
    if lacks:
        raise lacking(lacks)
    return made


__all__ = ["gathered", "lacking"]
