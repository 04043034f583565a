"""A controller of a cluster in memory: a thread that looks at every change of the state."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self

from sealift.testing.cluster import ClusterState


class Controller(ABC):
    """A context manager that acts on a state until it ends; ``look`` says what it does."""

    def __init__(self, state: ClusterState) -> None:
        self.state = state
        self._ends = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.state.changed:
            self._ends = True
            self.state.changed.notify_all()
        self._thread.join()

    @abstractmethod
    def look(self) -> None:
        """Act on the state as it is now, which nobody else changes meanwhile."""

    def breath(self) -> float | None:
        """Seconds after which to look again without a change; None for never."""
        return None

    def _run(self) -> None:
        with self.state.changed:
            while not self._ends:
                before = self.state.version
                self.look()
                if self.state.version == before:
                    self.state.changed.wait(self.breath())


__all__ = ["Controller"]
