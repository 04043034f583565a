"""What a step logs while it runs in a cluster, brought here as it comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sealift.adapters.engines.kubernetes_log import Followed
from sealift.errors import ClusterError
from sealift.kubernetes.patience import LOOK
from sealift.kubernetes.porter import BESIDE
from sealift.ports import Cluster, Progress

ENDS = 10.0
"""Seconds for which the last lines are waited for when a step has ended."""


class Live:
    """Follows, in a thread, what is told beside a step, in one pod after the other."""

    def __init__(
        self, cluster: Cluster, namespace: str, file: Path | None, progress: Progress
    ) -> None:
        self._file = file
        self._progress = progress
        if file is not None:
            self._followed = Followed(cluster, namespace, BESIDE, file, anew=True, aside=self._said)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._pod = ""

    @contextmanager
    def following(self) -> Iterator[None]:
        """While the block runs, and shortly after it, where a pod was named."""
        try:
            yield
        finally:
            self._over.set()
            if self._thread is not None:
                self._thread.join(ENDS)

    def of(self, pod: str) -> None:
        """Follow this pod from now on; nothing happens where that is so."""
        if self._file is None or not pod:
            return
        self._pod = pod
        if self._thread is None:
            self._thread = threading.Thread(target=self._bring, daemon=True)
            self._thread.start()

    def _bring(self) -> None:
        done = ""
        while True:
            over, pod = self._over.is_set(), self._pod
            if pod != done:
                try:
                    self._followed.bring(pod)
                    done = pod
                except (ClusterError, OSError):
                    pass  # what is told here is a help, no more; it is all there in the end
            if over:
                return
            self._over.wait(LOOK / 2)

    def _said(self, line: bytes) -> bool:
        """Whether a line is no point but news of the porter's own."""
        if line.startswith(b"{"):
            return False
        self._progress.say(line.decode(errors="replace"))
        return True


__all__ = ["Live"]
