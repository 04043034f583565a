"""A step that is ready to run: what it is made of, and its container."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import msgspec

from sealift.folders import Folders
from sealift.ports import Engine, Lake, Ledger, SharedCache, Store
from sealift.record import graph
from sealift.record.container import ContainerSpec, Mount
from sealift.record.dataset import Snapshot
from sealift.record.run import Run, StepRun
from sealift.train import key, points, workspace
from sealift.train.cells import Cell, Matching, label, within
from sealift.train.key import PINNED
from sealift.train.plan import Planned
from sealift.types import Digest

CHECKPOINTS = "/checkpoints"
"""Where a step finds what it wrote to go on from."""

KEY = "sealift.key"
"""The label by which a step is found again, whatever run it was started in."""

HOST = "step"
"""The host name that every step sees: a name that varied could get into what it writes."""

THREADS = (
    *("BLIS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS"),
    *("OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"),
)
"""Variables by which numeric libraries are told how many threads to use."""


@dataclass(frozen=True)
class Job:
    """A step that is ready to run: what it is, what it reads, and where it works.

    ``inputs`` has what it reads by name, ``paths`` where it finds the outputs of others.
    """

    planned: Planned
    run: str
    image: Digest
    leaves: dict[str, str]
    key: Digest
    inputs: dict[str, Digest]
    paths: dict[str, Digest]
    files: tuple[str, ...]
    snapshots: tuple[Snapshot, ...]
    because: str = ""


@dataclass(frozen=True)
class Bench:
    """What steps are run with; ``stopping`` ends retries, ``threads`` are those at work.

    ``shared`` is the cache of the team, if there is one; checkpoints of steps at work are kept
    there every ``keep_every`` seconds (0: never).
    """

    folders: Folders
    project: str
    engine: Engine
    store: Store
    lake: Lake
    shared: SharedCache | None = None
    keep_every: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: set[int] = field(default_factory=set)

    def code(self, run: str) -> Path:
        """The copy of the project's code that a run works with."""
        return self.folders.runs / run / ".code"

    def folder(self, run: str, step: Planned) -> Path:
        """Where a step works."""
        return self.folders.runs / run / step.slug / "project"

    def checkpoints(self, job: Job) -> Path:
        """What a step that is made of the same wrote before it was cut off."""
        return self.folders.checkpoints / job.key.partition(":")[2]

    def points(self, job: Job) -> Path:
        """What it logged before it was cut off."""
        folder = self.checkpoints(job)
        return folder.with_name(f"{folder.name}.points")

    def log(self, run: str, step: Planned) -> Path:
        """What a step said."""
        return self.folders.runs / run / f"{step.slug}.log"


class Jobs:
    """The jobs of a run, one by one; what many steps share is worked out once."""

    def __init__(
        self,
        run: Run,
        planned: Iterable[Planned],
        files: Mapping[str, tuple[str, ...]],
        bench: Bench,
    ) -> None:
        self._run, self._files, self._bench = run, files, bench
        self._digests: dict[str, Digest] = {}
        self._fixed: dict[str, dict[str, str]] = {}
        made: dict[str, list[tuple[Cell, Planned]]] = {}
        for one in planned:
            made.setdefault(one.of, []).append((one.cell, one))
        self._writers = {name: Matching(found) for name, found in made.items()}

    def of(self, one: Planned, steps: Mapping[str, StepRun]) -> Job:
        """A step whose inputs are there; ``steps`` are those that have ended, by name."""
        inputs: dict[str, Digest] = {}
        places: dict[str, str] = {}
        paths: dict[str, Digest] = {}
        snapshots = self._run.snapshots
        for read in one.step.reads:
            owner, _, name = read.partition(".")
            if owner == "data":
                places[read] = inputs[read] = snapshots[name].digest
                continue
            for writer in self._writers[owner].read_in(one.cell):
                path = _path(writer, name, one)
                flow = f"{writer.name}.{name}"
                paths[path] = inputs[flow] = steps[writer.name].outputs[name]
                places[flow] = f"{inputs[flow]} at {path}"
        image = self._run.images[one.step.image] if one.step.image else self._run.image
        fixed = self._fixed.get(one.of) or self._fixed.setdefault(one.of, key.fixed(one.step))
        leaves = key.leaves(one, fixed, image=image, code=self._code(one), inputs=places)
        return Job(
            planned=one,
            run=self._run.id,
            image=image,
            leaves=leaves,
            key=key.key(leaves),
            inputs=inputs,
            paths=paths,
            files=self._files[one.name],
            snapshots=tuple(snapshots[r[5:]] for r in one.step.reads if r.startswith("data.")),
        )

    def _code(self, one: Planned) -> Digest:
        """The digest of the code that a step sees, which is the same in every cell of it."""
        if one.of not in self._digests:
            code = self._bench.code(self._run.id)
            self._digests[one.of] = workspace.tree_digest(code, self._files[one.name])
        return self._digests[one.of]


def mounts(job: Job, bench: Bench) -> tuple[Mount, ...]:
    """What a step reads, read-only: data where it lies, outputs of others unpacked."""
    free = [*job.planned.step.writes.values(), *job.paths]
    data = [
        m for one in job.snapshots for m in workspace.data_mounts(bench.folders.root, one, free)
    ]
    return (*data, *workspace.input_mounts(bench.store, job.paths))


def _path(writer: Planned, output: str, reader: Planned) -> str:
    """Where a reader finds an output: of a matrix, each in a folder where the output would be.

    There it is named by its cell, with the ending that the output has.
    """
    path = writer.step.writes[output]
    if within(writer.cell, reader.cell):
        return path
    return f"{path}/{label(writer.cell)}{PurePosixPath(path).suffix}"


def spared(job: Job, bench: Bench, ledger: Ledger) -> StepRun | None:
    """A finished step that was made of the same, with its outputs in the store; None: it runs.

    It is looked for here, then in the cache of the team.
    """
    hit = ledger.cached(job.key)
    if hit is not None and all(bench.store.has(out) for out in hit.outputs.values()):
        return hit
    found = bench.shared.find(job.key) if bench.shared else None
    return None if found is None else msgspec.structs.replace(found, log="")


def explained(job: Job, last: StepRun | None) -> Job:
    """The job with the reason why it runs; ``last`` is its step's outcome in an earlier run."""
    name = job.planned.name
    if last is not None and last.status == "failed" and last.leaves == job.leaves:
        return replace(job, because=f"{name} runs again: it failed last time.")
    return replace(job, because=key.explain(name, last.leaves if last else None, job.leaves))


def specification(job: Job, bench: Bench, mounted: Iterable[Mount] = ()) -> ContainerSpec:
    """The container of a step, with its inputs ``mounted``."""
    step, name = job.planned.step, job.planned.slug
    threads = dict.fromkeys(THREADS, str(max(1, int(step.cpus))))
    seed = job.planned.params.get(graph.SEED)
    return ContainerSpec(
        name=f"{bench.project}-{name}-{job.run}",
        image=job.image,
        argv=("/bin/sh", "-ec", job.planned.command),
        env={
            **PINNED,
            **threads,
            **({} if seed is None else {"SEALIFT_SEED": str(seed)}),
            **({"SEALIFT_CHECKPOINTS": CHECKPOINTS} if step.checkpoints else {}),
            **(points.environment() if step.curves else {}),
            **step.env,
        },
        mounts=(
            Mount(
                source=str(bench.folder(job.run, job.planned)),
                target=str(workspace.PROJECT),
                writable=True,
            ),
            *mounted,
            *_kept(job, bench),
        ),
        workdir=str(workspace.PROJECT),
        network="host" if step.network else "none",
        cpus=step.cpus,
        memory=step.memory_bytes,
        gpus=step.gpus,
        labels={
            "sealift.project": str(bench.folders.root),
            "sealift.run": job.run,
            "sealift.step": job.planned.name,
            KEY: job.key,
        },
        hostname=HOST,
        wanted=tuple(_wanted(job)),
        live=f"{points.PLACE}/{points.FILE}" if step.curves else "",
        log=str(bench.log(job.run, job.planned)),
    )


def _wanted(job: Job) -> Iterator[str]:
    """What is looked at after a step: its outputs, and the points that it logged."""
    for path in job.planned.step.writes.values():
        yield str(workspace.PROJECT / path)
    if job.planned.step.curves:
        yield points.PLACE


def _kept(job: Job, bench: Bench) -> Iterator[Mount]:
    if job.planned.step.checkpoints:
        source = str(bench.checkpoints(job))
        yield Mount(source=source, target=CHECKPOINTS, writable=True, lasting=True)
    if job.planned.step.curves:
        folder = points.beside(bench.log(job.run, job.planned))
        lasting = job.planned.step.checkpoints
        yield Mount(source=str(folder), target=points.PLACE, writable=True, lasting=lasting)


__all__ = ["KEY", "Bench", "Job", "Jobs", "explained", "mounts", "spared", "specification"]
