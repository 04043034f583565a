"""Runs side by side: their records, the code and the packages that each was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sealift.errors import NotFoundError
from sealift.package import attached
from sealift.record.run import Run
from sealift.train import contrast
from sealift.train.contrast import Contrast
from sealift.wiring import Wired


def compare(wired: Wired, runs: Sequence[Run]) -> list[Contrast]:
    """Everything in which runs differ. Raises ``NotFoundError`` when the code of one is gone."""
    trees = [wired.store.tree(run.code.digest) for run in runs]
    return contrast.contrasts(runs, trees, lambda run: _packages(wired, run))


def diff(wired: Wired, old: Run, new: Run) -> Iterator[str]:
    """What changed in the code from one run to another, line by line."""
    return contrast.lines(wired.store.tree(old.code.digest), wired.store.tree(new.code.digest))


def _packages(wired: Wired, run: Run) -> dict[str, str]:
    """The packages of the image of a run's steps, by its lock; none where that is gone.

    What a script recorded by itself has those of its Python.
    """
    if run.process is not None:
        return run.packages
    try:
        lock = attached.find(run.lock, wired.store)
    except NotFoundError:
        return {"(the lock is not here)": run.id}
    lines = [line.split(maxsplit=1)[0] for line in (*lock.packages, *lock.runtime)]
    wheels = dict(line.split("==", 1) for line in lines if "==" in line)
    debs = [(deb.name, deb.version) for deb in (*lock.base, *lock.shell, *lock.debian)]
    return {
        **wheels,
        **{f"{name} (Debian)": version for name, version in debs},
    }


__all__ = ["compare", "diff"]
