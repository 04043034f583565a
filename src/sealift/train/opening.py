"""What happens before the first step: clearing up, looking at what there is, and freezing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sealift import clock, process
from sealift.errors import MachineError
from sealift.folders import Folders
from sealift.ports import Lake, Ledger, Progress, Store
from sealift.record import graph
from sealift.record.dataset import Snapshot
from sealift.record.project import Project
from sealift.record.run import Code, Run
from sealift.train import code, key, workspace
from sealift.train.plan import Planned, plan
from sealift.types import Scalar

KEPT = 30 * 86_400
"""Seconds for which checkpoints that nobody writes any more are kept."""


@dataclass(frozen=True)
class Survey:
    """What a run is made of: steps in order, pinned data, the code, and what each step sees."""

    planned: tuple[Planned, ...]
    snapshots: dict[str, Snapshot]
    state: code.State
    files: dict[str, tuple[str, ...]]


def survey(
    project: Project,
    folders: Folders,
    lake: Lake,
    params: Mapping[str, Scalar | Mapping[str, Scalar]],
) -> Survey:
    """Look at all that a run would work with; nothing is changed.

    Raises ``UsageError`` (unknown parameter), ``DataError`` (missing data) or ``ProjectError``
    (missing code).
    """
    planned = plan(project, params)
    snapshots = {
        name: lake.pin(name, source)
        for name, source in project.data.items()
        if any(f"data.{name}" in one.step.reads for one in planned)
    }
    state = code.look(folders.root, but=not_code(project, snapshots))
    if project.model is not None and project.model.predict:
        code.select(state, [project.model.predict], where="sealift.toml: model.predict")
    by_step = {
        name: code.select(
            state, step.code, where=f"sealift.toml: steps.{name}.code", own=code.own(project)
        )
        for name, step in project.steps.items()
    }
    return Survey(planned, snapshots, state, {one.name: by_step[one.of] for one in planned})


def tidy(ledger: Ledger, folders: Folders) -> None:
    """Mark dead runs, and remove the folders that earlier runs left."""
    for run in ledger.heads():
        if run.status == "running" and not (run.process and process.alive(*run.process)):
            ledger.amend_head(run.id, _died)
    try:
        for left in [*folders.runs.glob("*/*/project"), *folders.runs.glob("*/.code")]:
            workspace.remove(left if left.name == ".code" else left.parent)
        for left in folders.checkpoints.glob(".tar-*"):
            left.unlink()
        for left in [
            *folders.checkpoints.glob("*.leaving"),
            *folders.checkpoints.glob("*.arriving"),
        ]:
            workspace.remove(left)
        for left in folders.checkpoints.glob("*"):
            if clock.now() - _written(left) > KEPT:
                workspace.remove(left)
    except OSError as error:
        raise MachineError(
            f"What an earlier run left cannot be removed: {error.strerror}.",
            where=str(error.filename or folders.runs),
            remedy="Remove it yourself.",
        ) from error


def _died(run: Run) -> Run:
    error = "Sealift ended before this run did."
    return msgspec.structs.replace(run, status="failed", finished=clock.now(), error=error)


def _written(folder: Path) -> float:
    """When something below a folder was last written."""
    return max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))


def not_code(project: Project, snapshots: Mapping[str, Snapshot]) -> set[str]:
    """Paths that are data or outputs: they come as mounts, or are made anew.

    Of a dataset that no step reads, the folder before the first ``*`` counts as data.
    """
    pinned = {entry.path for snapshot in snapshots.values() for entry in snapshot.entries}
    unread = {
        str(graph.fixed(source.uri))
        for name, source in project.data.items()
        if name not in snapshots
    }
    outputs = {path for step in project.steps.values() for path in step.writes.values()}
    return pinned | (unread - {"."}) | outputs


def freeze(root: Path, frozen: Path, state: code.State, store: Store) -> Code:
    """Copy the code, so that a change while the run goes on changes nothing in it, and keep it."""
    return Code(
        digest=store.put_tree(copied(root, frozen, state)),
        commit=state.commit,
        branch=state.branch,
        diff=state.diff,
        untracked=state.untracked,
        left_out=state.left_out,
    )


def copied(root: Path, frozen: Path, state: code.State) -> Path:
    """The copy of the code that a run works with; whoever has it made removes it."""
    try:
        frozen.mkdir(parents=True)
        workspace.copy(root, frozen, state.files)
    except OSError as error:
        raise MachineError(
            f"The code cannot be copied: {error.strerror}.",
            where=str(error.filename or frozen),
            remedy="Free some space, or mend the permissions.",
        ) from error
    return frozen


def tell(state: code.State, progress: Progress) -> None:
    """Say what a person should know of how the code was taken."""
    if state.note:
        progress.say(state.note)
    if state.left_out:
        names = ", ".join(state.left_out[:5]) + (", ..." if len(state.left_out) > 5 else "")
        progress.say(f"Not taken, since they may hold secrets: {names}.")


def seeds(planned: Iterable[Planned]) -> dict[str, str]:
    """What is pinned for every step, and the seeds that single steps have."""
    own = {
        f"{one.name}.SEALIFT_SEED": str(one.params[graph.SEED])
        for one in planned
        if graph.SEED in one.params
    }
    return {**key.PINNED, **own}


__all__ = ["Survey", "copied", "freeze", "not_code", "seeds", "survey", "tell", "tidy"]
