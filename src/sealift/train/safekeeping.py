"""Checkpoints of a step at work, kept with the team, so that another machine can go on from them.

What a step writes is looked at once in a while, as it was at one moment.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sealift import clock, still
from sealift.errors import SealiftError
from sealift.ports import SharedCache
from sealift.train import points, workspace
from sealift.train.job import CHECKPOINTS, Bench, Job

WRITTEN, LOGGED = CHECKPOINTS.strip("/"), points.PLACE.strip("/")
"""What is kept by its name, as steps see it: whatever machine a step is on."""
SHARE = 10
"""Times as long as it took to send a checkpoint is waited at least before the next is sent."""


def fetch(job: Job, bench: Bench) -> bool:
    """Take the checkpoints that another machine kept, where there are none here; whether it did."""
    here = bench.checkpoints(job)
    if bench.shared is None or not job.planned.step.checkpoints or still.filled(here):
        return False
    part = here.with_name(f"{here.name}.arriving")
    part.parent.mkdir(parents=True, exist_ok=True)
    workspace.remove(part)
    try:
        if not bench.shared.resume(job.key, part) or not (part / WRITTEN).is_dir():
            return False
        workspace.remove(here)
        (part / WRITTEN).rename(here)
        if (part / LOGGED).is_dir():
            workspace.remove(bench.points(job))
            (part / LOGGED).rename(bench.points(job))
    finally:
        workspace.remove(part)
    return True


@contextmanager
def kept(job: Job, bench: Bench) -> Iterator[threading.Event]:
    """Keep the checkpoints of a step with the team while the block runs.

    At its end too, unless the block sets the event: the step is done, and needs none.
    """
    done = threading.Event()
    if bench.shared is None or not job.planned.step.checkpoints or not bench.keep_every:
        yield done
        return
    keeper = _Keeper(job, bench, bench.shared)
    ended = threading.Event()
    thread = threading.Thread(target=keeper.watch, args=(ended,), daemon=True)
    thread.start()
    try:
        yield done
    finally:
        ended.set()
        thread.join()
        if not done.is_set():
            keeper.send()
        keeper.close()


class _Keeper:
    """Sends what is new."""

    def __init__(self, job: Job, bench: Bench, shared: SharedCache) -> None:
        self._key, self._shared, self._every = job.key, shared, bench.keep_every
        self._written, self._logged = bench.checkpoints(job), bench.points(job)
        self._aside = self._written.with_name(f"{self._written.name}.leaving")
        self._sent: object = None

    def watch(self, ended: threading.Event) -> None:
        """Send what is new once in a while until the step has ended."""
        pause = float(self._every)
        while not ended.wait(pause):
            began = clock.monotonic()
            self.send()
            pause = max(float(self._every), SHARE * (clock.monotonic() - began))

    def close(self) -> None:
        """Remove what was put aside."""
        workspace.remove(self._aside)

    def send(self) -> None:
        """Send what is new, if anything is."""
        with suppress(OSError, SealiftError):
            if still.listing(self._written) == self._sent or not still.filled(self._written):
                return
            workspace.remove(self._aside)
            found = still.put_aside(self._written, self._aside / WRITTEN)
            if found is not None:
                self._copy_points()
                self._shared.keep(self._key, self._aside)
                self._sent = found

    def _copy_points(self) -> None:
        """Points are appended to one file: all whole lines of it are copied."""
        file = self._logged / points.FILE
        if file.exists():
            (self._aside / LOGGED).mkdir()
            content = file.read_bytes()
            (self._aside / LOGGED / points.FILE).write_bytes(content[: content.rfind(b"\n") + 1])


__all__ = ["fetch", "kept"]
