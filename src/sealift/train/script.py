"""What a script or a notebook does outside of any pipeline, recorded as a run of one step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from sealift import clock, process
from sealift.errors import DataError, UsageError
from sealift.folders import Folders
from sealift.ports import Ledger, Store
from sealift.record.project import Project
from sealift.record.run import Run, StepRun
from sealift.train import code, opening, points, workspace
from sealift.train.machine import machine
from sealift.types import Digest, Scalar

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
NOWHERE = Digest("")
"""In place of an image and of a key: it runs in no container, and nothing of it is cached."""


Change: TypeAlias = Callable[[Run], dict[str, Any]]
"""From a run as it is to the fields of it that change."""


class Script:
    """A recorded run in progress, in this process; all that is said of it is kept at once."""

    def __init__(
        self, project: Project, folders: Folders, store: Store, ledger: Ledger, name: str
    ) -> None:
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot name what is run.",
                remedy="Use up to 63 lower-case letters, digits and hyphens, such as 'tune'.",
            )
        self._project, self._folders, self._store, self._ledger = project, folders, store, ledger
        self._outputs: dict[str, Digest] = {}
        self.name = name
        self.id = clock.identifier()

    @property
    def points(self) -> Path:
        """The file that points of curves are appended to."""
        return points.beside(self._log) / points.FILE

    @property
    def _log(self) -> Path:
        return self._folders.runs / self.id / f"{self.name}.log"

    def begin(self, command: str, comment: str) -> str:
        """Record what there is to begin with; what a person should know of the code that is kept.

        The project's code is kept as it is now.
        """
        self._command, self._started = command, clock.now()
        frozen = self._folders.runs / self.id / ".code"
        state = code.look(self._folders.root, but=opening.not_code(self._project, {}))
        try:
            kept = opening.freeze(self._folders.root, frozen, state, self._store)
        finally:
            workspace.remove(frozen)
        here = machine("none")
        points.begin(points.beside(self._log), None)
        self._ledger.save(
            Run(
                id=self.id,
                project=self._project.name,
                status="running",
                started=self._started,
                finished=None,
                user=here.user,
                comment=comment,
                code=kept,
                machine=here,
                image=NOWHERE,
                lock=None,
                snapshots={},
                params={self.name: {}},
                seeds={},
                packages={one.name: one.version for one in distributions()},
                process=process.me(),
            )
        )
        return state.note

    def params(self, values: Mapping[str, Scalar]) -> None:
        """Add parameters; one that is there gets the new value."""
        odd = [n for n, value in values.items() if not isinstance(value, bool | int | float | str)]
        if odd:
            raise UsageError(
                f"The parameter {odd[0]!r} is no text, number, true or false.",
                remedy=f"Give it as a text: str({odd[0]}).",
            )
        self._amend(lambda old: {"params": {self.name: old.params[self.name] | dict(values)}})

    def artifact(self, path: Path, name: str) -> Digest:
        """Keep a file or a folder as an output; its digest."""
        if not path.exists():
            raise DataError("There is nothing to keep.", where=str(path), remedy="Write it first.")
        self._outputs[name] = kept = self._store.put_tree(path.resolve())
        self._keep("done", "")
        return kept

    def end(self, error: str) -> None:
        """Record how it ended, with the last value of each metric; ``error`` is empty for well."""
        self._keep("failed" if error else "done", error)
        curves = points.read(self.points.parent)
        last = {name: [*curve.values()][-1] for name, curve in curves.items()}
        self._amend(
            lambda _: {
                "status": "failed" if error else "done",
                "finished": clock.now(),
                "metrics": {name: value for name, value in last.items() if value - value == 0},
                "error": error,
            }
        )

    def _keep(self, status: str, error: str) -> None:
        step = StepRun(
            name=self.name,
            status="failed" if status == "failed" else "done",
            key=NOWHERE,
            leaves={},
            cached=False,
            command=self._command,
            started=self._started,
            seconds=clock.now() - self._started,
            outputs=dict(self._outputs),
            log=self._log.relative_to(self._folders.root).as_posix(),
            because=f"{self.name} was recorded by the program itself.",
            error=error,
        )
        self._ledger.add_steps(self.id, {0: step})

    def _amend(self, change: Change) -> None:
        self._ledger.amend_head(self.id, lambda old: msgspec.structs.replace(old, **change(old)))


__all__ = ["Script"]
