"""Running the steps of a project: in order, in parallel, from the cache where nothing changed."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TypeAlias

import msgspec

from sealift import clock, process
from sealift.errors import SealiftError
from sealift.folders import Folders
from sealift.ports import Engine, Lake, Ledger, Progress, SharedCache, Store
from sealift.record import graph
from sealift.record.image import Image
from sealift.record.project import Project
from sealift.record.run import Run, StepRun
from sealift.train import metrics, opening, workspace
from sealift.train.agenda import Agenda, Room
from sealift.train.cards import wanted
from sealift.train.condition import unmet
from sealift.train.job import KEY, Bench, Job, Jobs, explained, spared
from sealift.train.machine import machine
from sealift.train.plan import Planned
from sealift.train.pulse import EVERY, Pulse
from sealift.train.work import perform
from sealift.types import Digest, Scalar

Outcome: TypeAlias = "Future[tuple[StepRun, SealiftError | None]]"

AT_ONCE = 500
"""Steps from the cache that are saved in one transaction at most."""
WIDE = 64
"""Steps that are at work at once at most where the cores of this machine do not count."""
GRACE = 5.0
"""Seconds that an interrupted step has to end by itself."""


def execute(
    project: Project,
    folders: Folders,
    *,
    engine: Engine,
    store: Store,
    ledger: Ledger,
    lake: Lake,
    image: Image,
    images: Mapping[str, Digest],
    shared: SharedCache | None = None,
    progress: Progress,
    params: Mapping[str, Scalar | Mapping[str, Scalar]],
    comment: str,
) -> Run:
    """Run every step that is not in the cache; the complete record of the run.

    The caller holds ``Ledger.exclusive("train")``, so that a run still marked as running is one
    whose process died: it is marked as failed, and its finished steps are taken from the cache.
    The record is saved at the start and at the end, whatever happens, and each step is added to
    it as it ends.

    Raises ``UsageError`` (unknown parameter), ``DataError`` (missing or moving data) or
    ``ProjectError`` (missing code) before anything runs, and the first step's error when one
    failed: then those that need it are skipped, and the others have finished.
    """
    bench = Bench(
        folders=folders,
        project=project.name,
        engine=engine,
        store=store,
        lake=lake,
        shared=shared,
        keep_every=project.cache.checkpoints,
    )
    opening.tidy(ledger, folders)
    seen = opening.survey(project, folders, lake, params)
    opening.tell(seen.state, progress)
    identifier, here = clock.identifier(), machine(engine.name)
    try:
        run = Run(
            id=identifier,
            project=project.name,
            status="running",
            started=clock.now(),
            finished=None,
            user=here.user,
            comment=comment,
            code=opening.freeze(folders.root, bench.code(identifier), seen.state, store),
            machine=here,
            image=image.digest,
            lock=image.lock,
            images=dict(images),
            snapshots=seen.snapshots,
            params={one.name: one.params for one in seen.planned},
            seeds=opening.seeds(seen.planned),
        )
        return _Execution(run, seen, bench, ledger, progress).run()
    finally:
        workspace.remove(bench.code(identifier))


class _Execution:
    """The run in progress; only the calling thread touches it."""

    def __init__(
        self,
        run: Run,
        seen: opening.Survey,
        bench: Bench,
        ledger: Ledger,
        progress: Progress,
    ) -> None:
        self._record = run
        self._planned = seen.planned
        self._places = {one.name: place for place, one in enumerate(seen.planned)}
        self._cards = bench.engine.guarantees().gpus if _asked(seen.planned) else 0
        self._agenda = Agenda(seen.planned, self._cards)
        self._jobs = Jobs(run, seen.planned, seen.files, bench)
        self._bench = bench
        self._elsewhere = bench.engine.guarantees().elsewhere
        self._ledger = ledger
        self._progress = progress
        self._pulse = Pulse(run.id, len(seen.planned), bench, progress)
        self._done: dict[str, StepRun] = {}
        self._unsaved: dict[int, StepRun] = {}
        self._working: dict[Outcome, Job] = {}
        self._errors: list[SealiftError] = []

    def run(self) -> Run:
        """Run to the end. Raises the first step's error."""
        self._ledger.save(self._record)
        with ThreadPoolExecutor(max_workers=max(1, len(self._planned))) as pool:
            try:
                while self._launch(pool):
                    ready, _ = wait(self._working, EVERY, return_when=FIRST_COMPLETED)
                    if not ready:
                        at_work = [job.planned for job in self._working.values()]
                        self._pulse.beat(at_work, len(self._done))
                    self._collect(ready)
                self._pulse.end()
                self._end("failed" if self._errors else "done")
                if self._bench.shared is not None and not self._errors:
                    self._bench.shared.publish(self._record)
            except BaseException as error:
                self._abort(error)
                raise
        if self._errors:
            raise self._errors[0]
        return self._record

    def _launch(self, pool: ThreadPoolExecutor) -> bool:
        """Start what can start; false when nothing is left to wait for."""
        while True:
            if (place := self._agenda.lost()) is not None:
                self._finish(self._skipped(self._planned[place]))
            elif (place := self._agenda.next(*self._free())) is not None:
                self._begin(self._planned[place], pool)
            else:
                break
        self._keep()
        return bool(self._working)

    def _free(self) -> Room:
        """What no step has; a step that asks for more than there is has to be alone."""
        if self._elsewhere:
            return (math.inf if len(self._working) < WIDE else 0.0), math.inf
        if not self._working:
            return math.inf, math.inf
        steps = [job.planned.step for job in self._working.values()]
        cards = sum(wanted(step, self._cards) for step in steps)
        cores = self._record.machine.cores - sum(step.cpus for step in steps)
        return cores, math.inf if self._cards is None else self._cards - cards

    def _begin(self, one: Planned, pool: ThreadPoolExecutor) -> None:
        """Skip a step, take it from the cache, or hand it to a thread."""
        if because := unmet(one, self._done, self._bench.store):
            self._progress.say(because)
            self._finish(self._skip(one, because))
            return
        job = self._jobs.of(one, self._done)
        if (hit := spared(job, self._bench, self._ledger)) is not None:
            self._finish(self._cached(job, hit))
            return
        self._start(explained(job, self._ledger.latest(one.name)), pool)

    def _start(self, job: Job, pool: ThreadPoolExecutor) -> None:
        one, cores = job.planned, self._record.machine.cores
        self._keep()
        self._progress.step(one.name, "running")
        self._progress.say(job.because)
        if one.step.cpus > cores and not self._elsewhere:
            self._progress.say(f"{one.name} asks for {one.step.cpus:g} cores; there are {cores}.")
        self._working[pool.submit(perform, job, self._bench)] = job

    def _collect(self, ready: Iterable[Outcome]) -> None:
        for future in ready:
            self._working.pop(future)
            record, error = future.result()
            if error is not None:
                self._errors.append(error)
            self._finish(record)
        self._keep()

    def _finish(self, step: StepRun) -> None:
        """Note how a step ended, and let those begin that waited for it."""
        self._record_end(step)
        self._agenda.ended(step.name, well=step.status == "done")
        if step.status == "done" and not step.cached:
            self._progress.step(step.name, f"done in {step.seconds:.1f} s")
        else:
            self._progress.step(step.name, "cached" if step.cached else step.status)

    def _cached(self, job: Job, hit: StepRun) -> StepRun:
        whose = "" if hit.log else " of the team"
        return msgspec.structs.replace(
            hit,
            name=job.planned.name,
            leaves=job.leaves,
            command=job.planned.command,
            inputs=job.inputs,
            cached=True,
            started=clock.now(),
            seconds=0.0,
            because=f"{job.planned.name} is taken from the cache{whose}: "
            "nothing it depends on changed.",
        )

    def _skipped(self, one: Planned) -> StepRun:
        missing = [name for name in one.needs if (s := self._done.get(name)) and s.status != "done"]
        return self._skip(one, f"{one.name} is skipped: it needs {' and '.join(missing)}.")

    def _skip(self, one: Planned, because: str) -> StepRun:
        return StepRun(
            name=one.name,
            status="skipped",
            key=Digest(""),
            leaves={},
            cached=False,
            command=one.command,
            started=clock.now(),
            seconds=0.0,
            attempts=0,
            because=because,
        )

    def _record_end(self, step: StepRun) -> None:
        self._done[step.name] = step
        self._unsaved[self._places[step.name]] = step
        if len(self._unsaved) >= AT_ONCE:
            self._keep()

    def _keep(self) -> None:
        """Save how steps ended, those from the cache many at once: never run again from here."""
        if self._unsaved:
            self._ledger.add_steps(self._record.id, self._unsaved)
            self._unsaved = {}

    def _end(self, status: str, error: str = "") -> None:
        steps = tuple(self._done[one.name] for one in self._planned if one.name in self._done)
        by_step = {
            one.name: metrics.read(self._bench.store.tree(tree), step=one.name)
            for one in steps
            if one.status == "done" and (tree := one.outputs.get(graph.METRICS))
        }
        self._keep()
        head = self._ledger.amend_head(
            self._record.id,
            lambda kept: msgspec.structs.replace(
                kept,
                status="done" if status == "done" else "failed",
                finished=clock.now(),
                metrics=metrics.merge(by_step),
                error=error or next((one.what for one in self._errors), ""),
            ),
        )
        self._record = msgspec.structs.replace(head, steps=steps)

    def _abort(self, error: BaseException) -> None:
        """Stop the steps at work, remove their folders and note that the run ended early."""
        self._bench.stopping.set()
        deadline = clock.monotonic() + GRACE
        stopped: set[str] = set()
        while self._working:
            self._end_elsewhere(stopped)
            number = signal.SIGTERM if clock.monotonic() < deadline else signal.SIGKILL
            for child in process.children(self._bench.threads):
                with suppress(ProcessLookupError):
                    os.kill(child, number)
            ready, _ = wait(self._working, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in ready:
                job = self._working.pop(future)
                folder = self._bench.folder(self._record.id, job.planned)
                with suppress(OSError):
                    workspace.remove(folder.parent)
                self._note(future)
        interrupted = isinstance(error, KeyboardInterrupt)
        with suppress(SealiftError, OSError):
            self._end("failed", "Interrupted." if interrupted else str(error) or repr(error))

    def _end_elsewhere(self, stopped: set[str]) -> None:
        """Stop the steps at work on other machines, which do not end with this process.

        One whose inputs are still on their way is there later only, so this looks for all again;
        ``stopped`` are the containers that need not be stopped again.
        """
        if not self._elsewhere:
            return
        engine = self._bench.engine
        for job in self._working.values():
            with suppress(SealiftError):
                for one in engine.find({KEY: job.key}):
                    if one.id not in stopped:
                        engine.stop(one, grace=GRACE)
                        stopped.add(one.id)

    def _note(self, future: Outcome) -> None:
        """Keep what a step that was at work came to, if it came to anything."""
        if future.exception() is None:
            record, _ = future.result()
            self._record_end(record)


def _asked(planned: Iterable[Planned]) -> bool:
    """Whether any step asks for graphics cards: else nobody looks for them."""
    return any(one.step.gpus for one in planned)


__all__ = ["execute"]
