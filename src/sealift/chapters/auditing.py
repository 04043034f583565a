"""Trust in the cache, checked: some steps that it would spare are run again, and compared."""

from __future__ import annotations

from sealift import clock
from sealift.chapters.reproducing import reproduce
from sealift.errors import UsageError
from sealift.ports import Progress
from sealift.record.reproduction import Reproduction
from sealift.record.run import Run
from sealift.train.again.sample import sample
from sealift.wiring import Wired


def audit(wired: Wired, count: int, seed: int | None, progress: Progress) -> Reproduction:
    """Run so many finished steps of the newest finished run again, chosen at random.

    What each gave is what the cache would hand out. With the same ``seed`` the same are chosen.
    Raises ``UsageError`` where no run has finished.
    """
    done = [run for run in wired.ledger.heads() if run.status == "done" and run.process is None]
    if not done:
        raise UsageError(
            "There is nothing to audit: no run has finished.", remedy="Run `sealift train`."
        )
    run = wired.ledger.get(Run, done[-1].id)
    steps = sample(run, count, clock.identifier() if seed is None else str(seed))
    if not steps:
        raise UsageError(
            f"No step of run {run.id} has outputs, which the cache would hand out.",
            remedy="See what it did: sealift runs show.",
        )
    return reproduce(wired, run, steps=steps, tolerance=None, progress=progress)


__all__ = ["audit"]
