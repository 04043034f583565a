"""The log of a container in a cluster, brought to a file line by line, each once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from sealift import clock
from sealift.ports import Cluster


class Followed:
    """A container's log on its way to ``file``, where ``anew`` that of a new pod alone stays.

    Lines that ``aside`` takes do not go there. The cluster gives lines from a second on, so that
    those at the seam come twice: what is not after the last line that was written is known, and
    lines of one time are counted.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        container: str,
        file: Path,
        *,
        anew: bool = False,
        aside: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._container = container
        self._file = file
        self._anew = anew
        self._aside = aside
        self._pod = ""
        self._last = b""
        self._same = 0

    def bring(self, pod: str, until: float = math.inf) -> None:
        """Write what a pod says until it ends, or until a time of ``clock.monotonic``.

        Raises ``AwayError`` where the log breaks off or is silent.
        """
        if pod != self._pod:
            self._pod, self._last, self._same = pod, b"", 0
        skip = self._same
        lines = self._cluster.follow(
            pod, self._namespace, container=self._container, since=self._last.decode()
        )
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as file:
            for line in lines:
                time, _, said = line.partition(b" ")
                if _order(time) < _order(self._last):
                    continue
                if time == self._last:
                    if skip:
                        skip -= 1
                        continue
                    self._same += 1
                else:
                    if self._anew and not self._last:
                        file.truncate(0)
                    self._last, self._same, skip = time, 1, 0
                if not self._aside(said):
                    file.write(said + b"\n")
                    file.flush()
                if clock.monotonic() > until:
                    return


def _order(time: bytes) -> tuple[bytes, bytes]:
    """A time such that an earlier one is less: its fraction has no zeros at the end.

    >>> _order(b"2026-01-01T00:00:01.5Z") < _order(b"2026-01-01T00:00:01.25Z")
    False
    """
    second, _, fraction = time.rstrip(b"Z").partition(b".")
    return second, fraction


__all__ = ["Followed"]
