"""Running the steps of a recorded run again, each with what it was given, and comparing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from sealift import clock, digest
from sealift.errors import NotFoundError, ProjectError, SealiftError, UsageError
from sealift.folders import reader
from sealift.ports import Progress
from sealift.record.parse import parse
from sealift.record.project import Project
from sealift.record.reproduction import Remade, Reproduction
from sealift.record.run import Machine, Run, StepRun
from sealift.train import code, workspace
from sealift.train.again import gap
from sealift.train.again.cause import causes
from sealift.train.again.gap import Gap
from sealift.train.job import Bench, Job, Jobs
from sealift.train.machine import machine
from sealift.train.plan import Planned, recorded
from sealift.train.work import perform
from sealift.types import Digest

FILE = "sealift.toml"


def reproduce(
    run: Run,
    *,
    bench: Bench,
    steps: tuple[str, ...],
    tolerances: Mapping[str, float],
    progress: Progress,
) -> Reproduction:
    """Run the finished steps of a run again (those in ``steps``; empty: all), and compare.

    Code, image, parameters and inputs are those of the record. Each step is given the inputs that
    it had, so that one that differs spoils no other; none is taken from the cache. What differs
    runs once more, to tell a step that varies by itself from one on another machine.
    ``tolerances`` give by output ("train.model") the relative difference that does not matter.

    Raises ``NotFoundError`` for what is no longer in the store, ``DataError`` for data that is
    not what it was, ``UsageError`` for a step that did not finish.
    """
    started = clock.now()
    recorded = _wanted(run, steps)
    here = machine(bench.engine.name)
    for snapshot in run.snapshots.values():
        bench.lake.verify(snapshot)
    tree = _kept(run, bench)
    project = _project(run, tree)
    attempt = msgspec.structs.replace(run, id=clock.identifier())
    again = _Again(run, attempt, project, tree, bench, here, tolerances, progress)
    try:
        outputs = [one for step in recorded for one in again.step(step)]
    finally:
        workspace.remove(bench.code(attempt.id))
    return Reproduction(
        id=attempt.id,
        run=run.id,
        project=run.project,
        started=started,
        finished=clock.now(),
        user=here.user,
        machine=here,
        image=run.image,
        lock=run.lock,
        outputs=tuple(outputs),
        causes=again.causes,
        unlike=tuple(again.unlike),
    )


@dataclass
class _Once:
    """What one repetition of a step gave: outputs, or why there are none."""

    job: Job
    outputs: dict[str, Digest]
    error: str


class _Again:
    """The repetition under way."""

    def __init__(
        self,
        run: Run,
        attempt: Run,
        project: Project,
        tree: Path,
        bench: Bench,
        here: Machine,
        tolerances: Mapping[str, float],
        progress: Progress,
    ) -> None:
        self._run, self._attempt, self._bench = run, attempt, bench
        self._tolerances, self._progress, self._here = tolerances, progress, here
        self._planned = {one.name: one for one in recorded(project, run.params)}
        names = tuple(path.relative_to(tree).as_posix() for path in digest.walk(tree))
        self._files = {
            name: code.select(
                code.State(files=names),
                one.step.code,
                where=f"{FILE}: steps.{one.of}.code",
                own=code.own(project),
            )
            for name, one in self._planned.items()
        }
        frozen = bench.code(attempt.id)
        frozen.mkdir(parents=True)
        workspace.copy(tree, frozen, names)
        self._steps = {one.name: one for one in run.steps}
        self._jobs = Jobs(attempt, self._planned.values(), self._files, bench)
        self.causes: dict[str, tuple[str, ...]] = {}
        self.unlike: list[str] = []

    def step(self, recorded: StepRun) -> Iterator[Remade]:
        """Run one step again; how each of its outputs compares."""
        name = recorded.name
        planned = self._planned[name]
        self._progress.step(name, "running")
        once = self._once(planned)
        unlike = [] if once.job.key == recorded.key else self._unlike(recorded, once.job)
        self.unlike += unlike
        if once.error:
            self.causes[name] = (once.error,)
        gaps = {
            output: self._gap(old, once.outputs[output], planned.step.writes[output])
            for output, old in recorded.outputs.items()
            if once.outputs.get(output, old) != old
        }
        remade = [
            self._remade(name, output, old, once.outputs.get(output), gaps.get(output))
            for output, old in recorded.outputs.items()
        ]
        if any(one.verdict == "different" for one in remade):
            self.causes[name] = self._causes(planned, once, list(gaps.values()), unlike)
        self._progress.step(name, _summary(remade))
        yield from remade

    def _once(self, planned: Planned) -> _Once:
        job = self._jobs.of(planned, self._steps)
        record, error = perform(job, self._bench)
        return _Once(job, record.outputs, error.what if error else "")

    def _gap(self, old: Digest, new: Digest, path: str) -> Gap:
        store = self._bench.store
        return gap.between(store.tree(old), store.tree(new), PurePosixPath(path).name)

    def _remade(
        self, step: str, output: str, old: Digest, new: Digest | None, apart: Gap | None
    ) -> Remade:
        tolerance = self._tolerances.get(f"{step}.{output}", 0.0)
        if new is None:
            return Remade(step=step, output=output, recorded=old, again=None, verdict="failed")
        return Remade(
            step=step,
            output=output,
            recorded=old,
            again=new,
            verdict=apart.verdict(tolerance) if apart else "identical bytes",
            difference=apart.relative if apart else 0.0,
            tolerance=tolerance,
            differs=apart.places if apart else (),
        )

    def _unlike(self, recorded: StepRun, job: Job) -> list[str]:
        """What is not as it was in what decides the outputs; seldom, and by another Sealift."""
        names = sorted(
            leaf
            for leaf in {*recorded.leaves, *job.leaves}
            if recorded.leaves.get(leaf) != job.leaves.get(leaf)
        )
        return [f"{recorded.name}: {leaf} is not what it was" for leaf in names]

    def _causes(
        self, planned: Planned, once: _Once, gaps: list[Gap], unlike: list[str]
    ) -> tuple[str, ...]:
        self._progress.say(f"{planned.name} differs: running it once more, to see if it varies.")
        second = self._once(planned)
        return causes(
            planned.step,
            gaps,
            steady=second.outputs == once.outputs,
            machines=(self._run.machine, self._here),
            times=(self._steps[planned.name].started, clock.now()),
            unlike=unlike,
        )


def _wanted(run: Run, steps: tuple[str, ...]) -> list[StepRun]:
    if run.process is not None:
        raise UsageError(
            f"Run {run.id} was recorded by a program outside of any container.",
            remedy="Only what a step of sealift.toml does can be run again from its record.",
        )
    finished = {one.name: one for one in run.steps if one.status == "done"}
    if not finished:
        raise UsageError(
            f"No step of run {run.id} finished: there is nothing to compare with.",
            remedy="Choose another run: sealift runs.",
        )
    for name in steps:
        if name not in finished:
            raise UsageError(
                f"Run {run.id} has no finished step {name!r}.",
                remedy=f"Finished: {', '.join(finished)}.",
            )
    return [one for name, one in finished.items() if not steps or name in steps]


def _kept(run: Run, bench: Bench) -> Path:
    """The run's code. Raises ``NotFoundError`` when that or an input is no longer kept."""
    needed = {"its code": run.code.digest, "its image": run.image}
    needed |= {f"the image {name}": digest for name, digest in run.images.items()}
    for one in run.steps:
        needed |= {f"the output {one.name}.{name}": tree for name, tree in one.outputs.items()}
    for what, address in needed.items():
        if not bench.store.has(address):
            raise NotFoundError(
                f"Of run {run.id}, {what} is no longer in the store.",
                where=address,
                remedy="Bring the store back from a copy, or train again. An image is made again "
                f"from the files of the run: git checkout {run.code.commit or 'COMMIT'}.",
            )
    return bench.store.tree(run.code.digest)


def _project(run: Run, tree: Path) -> Project:
    """The project file as it was."""
    try:
        text = (tree / FILE).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ProjectError(
            f"The code of run {run.id} holds no {FILE}, so its steps are not known.",
            remedy=f"Take {FILE} out of .gitignore, and train again.",
        ) from error
    try:
        return parse(text, where=f"{FILE} of run {run.id}", read=reader(tree))
    except SealiftError as error:
        raise ProjectError(
            f"The project file of run {run.id} is not one of this Sealift: {error.what}",
            where=error.where,
            remedy="Use the Sealift that made the run.",
        ) from error


def _summary(remade: list[Remade]) -> str:
    return ", ".join(dict.fromkeys(one.verdict for one in remade)) or "no outputs"


__all__ = ["reproduce"]
