"""What happens before the first step: clearing up, and freezing what the run works with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from sealift import clock
from sealift.errors import MachineError
from sealift.folders import Folders
from sealift.ports import Ledger, Progress
from sealift.record import graph
from sealift.record.dataset import Snapshot
from sealift.record.project import Project
from sealift.record.run import Code, Run, StepRun
from sealift.train import code, key, workspace
from sealift.train.job import Bench
from sealift.train.plan import Planned

KEPT = 30 * 86_400
"""Seconds for which checkpoints that nobody writes any more are kept."""


def tidy(ledger: Ledger, folders: Folders) -> dict[str, StepRun]:
    """Mark dead runs, remove the folders that earlier runs left; the last outcome of each step."""
    last: dict[str, StepRun] = {}
    for run in ledger.all(Run):
        if run.status == "running":
            ended = "Sealift ended before this run did."
            ledger.save(
                msgspec.structs.replace(run, status="failed", finished=clock.now(), error=ended)
            )
        last |= {step.name: step for step in run.steps if step.status != "skipped"}
    try:
        for left in [*folders.runs.glob("*/*/project"), *folders.runs.glob("*/.code")]:
            workspace.remove(left if left.name == ".code" else left.parent)
        for left in folders.checkpoints.glob("*"):
            if clock.now() - _written(left) > KEPT:
                workspace.remove(left)
    except OSError as error:
        raise MachineError(
            f"What an earlier run left cannot be removed: {error.strerror}.",
            where=str(error.filename or folders.runs),
            remedy="Remove it yourself.",
        ) from error
    return last


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


def freeze(bench: Bench, run: str, state: code.State) -> Code:
    """Copy the code, so that a change while the run goes on changes nothing in it, and keep it."""
    frozen = bench.code(run)
    try:
        frozen.mkdir(parents=True)
        workspace.copy(bench.folders.root, frozen, state.files)
    except OSError as error:
        raise MachineError(
            f"The code cannot be copied: {error.strerror}.",
            where=str(error.filename or frozen),
            remedy="Free some space, or mend the permissions.",
        ) from error
    return Code(
        digest=bench.store.put_tree(frozen),
        commit=state.commit,
        branch=state.branch,
        diff=state.diff,
        untracked=state.untracked,
        left_out=state.left_out,
    )


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


__all__ = ["freeze", "not_code", "seeds", "tell", "tidy"]
