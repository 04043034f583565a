"""Recorded runs from scripts and notebooks: ``with sealift.run("tune") as run: ...``."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from sealift import curves
from sealift.errors import UsageError
from sealift.folders import private, require_writable
from sealift.train.script import Script
from sealift.types import Digest, Scalar
from sealift.wiring import Wired, find

CELLS = "cells"
"""The output that holds what was run of a notebook, cell by cell."""


class Recording:
    """A run that a script or a notebook records; it goes on until ``end``, or the block's end.

    One goes on at a time in a process: what ``sealift.log_metric`` logs belongs to it, in child
    processes too. A program that ends without ending it has ended it well, unless by an error.
    """

    _going: Recording | None = None

    def __init__(self, script: Script) -> None:
        self._script = script
        self._ended = False

    @property
    def id(self) -> str:
        """The run's identifier, as ``sealift runs`` lists it."""
        return self._script.id

    def log_param(self, name: str, value: Scalar) -> None:
        """Record a parameter."""
        self.log_params({name: value})

    def log_params(self, values: Mapping[str, Scalar]) -> None:
        """Record parameters: texts, numbers, true and false."""
        self._open()
        self._script.params(values)

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Log a point of a curve; the last one is the run's metric of this name."""
        self.log_metrics({name: value}, step)

    def log_metrics(self, values: dict[str, float], step: int | None = None) -> None:
        """Log a point of each of several curves at the same step."""
        self._open()
        curves.log_metrics(values, step)

    def log_artifact(self, path: str | Path, name: str = "") -> Digest:
        """Keep a file or a folder by its digest, as an output called ``name`` or as the file is.

        Raises ``DataError`` where there is none.
        """
        self._open()
        return self._script.artifact(Path(path), name or Path(path).name)

    def end(self, error: str = "") -> None:
        """End the run; with an ``error``, which says why, as failed. Later calls do nothing."""
        if self._ended:
            return
        self._ended = True
        curves.flush()
        self._cells()
        Recording._going = None
        if self._before is None:
            os.environ.pop(curves.VARIABLE, None)
        else:
            os.environ[curves.VARIABLE] = self._before
        atexit.unregister(self._leave)
        self._script.end(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end("" if kind is None else f"{kind.__name__}: {error}")

    def _begin(self, comment: str) -> None:
        if Recording._going is not None:
            raise UsageError(
                f"Run {Recording._going.id} still goes on in this program.",
                remedy="End it first: run.end(), or leave its block.",
            )
        self._first = len(_history())
        note = self._script.begin(" ".join(sys.argv), comment)
        if note:
            sys.stderr.write(f"{note}\n")
        self._before = os.environ.get(curves.VARIABLE)
        curves.flush()
        os.environ[curves.VARIABLE] = str(self._script.points)
        Recording._going = self
        atexit.register(self._leave)

    def _open(self) -> None:
        if self._ended:
            raise UsageError(f"Run {self.id} has ended.", remedy="Begin another: sealift.run().")

    def _leave(self) -> None:
        """The interpreter ends."""
        error = getattr(sys, "last_value", None)
        self.end("" if error is None else f"{type(error).__name__}: {error}")

    def _cells(self) -> None:
        """Keep what a notebook ran since the run began: its files alone do not tell."""
        cells = _history()[max(0, self._first - 1) :]
        if cells:
            with TemporaryDirectory() as folder:
                file = Path(folder) / "cells.py"
                file.write_text("".join(f"# %%\n{cell.rstrip()}\n\n" for cell in cells))
                self._script.artifact(file, CELLS)


def run(
    name: str = "script",
    *,
    params: Mapping[str, Scalar] | None = None,
    comment: str = "",
    project: str | Path = ".",
) -> Recording:
    """Begin a recorded run outside of any pipeline, in the project at or above a folder.

    It has code, packages, machine, parameters, metrics and outputs like any other run, and every
    command about runs takes it; but it ran in no container, so that nobody can run it again from
    its record. Raises ``ProjectError`` where there is no project.
    """
    wired = Wired(find(Path(project)))
    require_writable(wired.folders.state)
    private(wired.folders.state)
    made = Recording(Script(wired.project, wired.folders, wired.store, wired.ledger, name))
    made._begin(comment)  # noqa: SLF001 - its own
    if params:
        made.log_params(params)
    return made


def _history() -> list[str]:
    """The cells that were run so far, where this is a notebook or IPython; else none."""
    shell = sys.modules.get("IPython")
    here = shell.get_ipython() if shell is not None else None
    return [] if here is None else [str(cell) for cell in here.user_ns.get("In", [])[1:]]


__all__ = ["Recording", "run"]
