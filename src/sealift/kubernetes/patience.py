"""Bearing what may pass by itself: troubles for so long, and a cluster that is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sealift import clock
from sealift.errors import AwayError
from sealift.kubernetes.kinds import Kind
from sealift.kubernetes.pods import Trouble
from sealift.ports import Cluster, Progress

LOOK = 2
"""Seconds after which a cluster is looked at again where a watch tells nothing."""

AWAY = 60.0
"""Seconds for which a cluster that does not answer is waited for, once something has begun."""

_BREATH = 0.05
"""Seconds after which more changes are looked for, or first whether a cluster is back."""

T = TypeVar("T")


class Patience:
    """Bears a trouble for as long as it may pass by itself."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def out(self, found: Trouble | None) -> Trouble | None:
        """The trouble, once it has lasted for too long; troubles that ended are forgotten."""
        if found is None:
            self._since.clear()
            return None
        since = self._since.setdefault(found.remedy, clock.monotonic())
        return found if clock.monotonic() - since >= found.patience else None


def patiently(ask: Callable[[], T], progress: Progress) -> T:
    """An answer of a cluster that may be away for a while."""
    began, wait = clock.monotonic(), _BREATH
    while True:
        try:
            return ask()
        except AwayError as error:
            if clock.monotonic() - began > AWAY:
                raise
            if wait == _BREATH:
                progress.say(f"{error.what} Trying again for {AWAY:.0f} s.")
            clock.sleep(wait)
            wait = min(2 * wait, LOOK / 2)


def pause(
    cluster: Cluster, kind: Kind, namespace: str, labels: Mapping[str, str], *, since: str
) -> None:
    """Wait for a change of objects, or for as long as one waits at most."""
    began = clock.monotonic()
    watch = cluster.watch(kind, namespace, labels, since=since, seconds=LOOK)
    try:
        for one in watch:
            if one.what != "bookmark":
                break
    except AwayError:
        clock.sleep(LOOK / 2)
    if clock.monotonic() - began < _BREATH:  # a change seldom comes alone
        clock.sleep(_BREATH)


__all__ = ["AWAY", "LOOK", "Patience", "patiently", "pause"]
