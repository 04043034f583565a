"""A model in memory with scripted faults, and those who ask it."""

import asyncio
import threading
import time
from types import SimpleNamespace

import numpy as np

from sealift.serve.batch import Batch
from sealift.serve.refusal import RefusalError

POISON = 666


class Scripted:
    """y = 2x + 1, a row at a time; a row of ``POISON`` makes the whole call fail."""

    waits = False

    def __init__(self, seconds=0.0, gate=None):
        self.seconds = seconds
        self.gate = gate
        self.calls = []
        self._lock = threading.Lock()

    def stoppable(self):
        """Options that are looked at while the model works."""
        return SimpleNamespace(terminate=False)

    def run(self, feeds, options=None):
        """The outputs by name."""
        x = feeds["x"]
        with self._lock:
            self.calls.append(x[:, 0].tolist())
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.seconds:
            time.sleep(self.seconds)
        if options is not None and options.terminate:
            raise RuntimeError("stopped")
        if (x == POISON).any():
            raise ValueError("poison")
        return {"y": 2 * x + 1, "label": np.array([str(v) for v in x[:, 0]], object)}


class Asker:
    """Who asks: with a deadline in seconds from now, and a connection that may end."""

    def __init__(self, seconds=0.0):
        self.deadline = time.monotonic() + seconds if seconds else 0.0
        self.protocol = self
        self.gone = asyncio.get_running_loop().create_future()

    def late(self):
        """What it is told."""
        return RefusalError("late", code="deadline", status=408)

    async def client_disconnect(self):
        """Returns when it has gone."""
        await asyncio.shield(self.gone)

    def go(self):
        """End the connection."""
        if not self.gone.done():
            self.gone.set_result(None)


def batch(*values):
    """A request for these rows."""
    array = np.array(values, np.float64).reshape(-1, 1)

    def picked(rows):
        return lambda: [(values[row],) for row in rows]

    return Batch(len(values), {"x": array}, {}, picked)
