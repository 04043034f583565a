"""What a run would do and why, without doing it."""

from __future__ import annotations

from collections.abc import Mapping

from sealift import clock
from sealift.folders import Folders
from sealift.ports import Engine, Lake, Ledger, SharedCache, Store
from sealift.record.foresight import Action, Foreseen
from sealift.record.image import Image
from sealift.record.project import Project
from sealift.record.run import Code, Run, StepRun
from sealift.train import opening, workspace
from sealift.train.cards import lacking, words
from sealift.train.condition import unmet
from sealift.train.job import Bench, Jobs, explained, spared
from sealift.train.machine import machine
from sealift.train.plan import Planned
from sealift.types import Digest, Scalar

NONE = Digest("")


def foresee(
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
    params: Mapping[str, Scalar | Mapping[str, Scalar]],
) -> tuple[Foreseen, ...]:
    """Every step, behind those whose outputs it reads. No step is run, nothing is recorded.

    Raises what a run would raise before its first step: ``UsageError``, ``DataError`` or
    ``ProjectError``.
    """
    bench = Bench(
        folders=folders, project=project.name, engine=engine, store=store, lake=lake, shared=shared
    )
    seen = opening.survey(project, folders, lake, params)
    run = Run(
        id=clock.identifier(),
        project=project.name,
        status="running",
        started=clock.now(),
        finished=None,
        user="",
        comment="",
        code=Code(digest=NONE),
        machine=machine(engine.name),
        image=image.digest,
        lock=image.lock,
        images=dict(images),
        snapshots=seen.snapshots,
        params={},
        seeds={},
    )
    try:
        opening.copied(bench.folders.root, bench.code(run.id), seen.state)
        return _foreseen(run, seen, bench, ledger)
    finally:
        workspace.remove(bench.code(run.id).parent)


def _foreseen(run: Run, seen: opening.Survey, bench: Bench, ledger: Ledger) -> tuple[Foreseen, ...]:
    known, found, skipped = dict[str, StepRun](), list[Foreseen](), set[str]()
    jobs = Jobs(run, seen.planned, seen.files, bench)
    for one in seen.planned:
        if lost := [name for name in one.needs if name in skipped]:
            skipped.add(one.name)
            because = f"{one.name} is skipped: it needs {' and '.join(lost)}."
            found.append(_of(one, "skipped", because))
            continue
        open_ones = [name for name in one.needs if name not in known]
        if open_ones:
            because = f"{one.name} waits for {' and '.join(open_ones)}."
            found.append(_of(one, "waits", because))
            continue
        if because := unmet(one, known, bench.store):
            skipped.add(one.name)
            found.append(_of(one, "skipped", because))
            continue
        job = jobs.of(one, known)
        if (hit := spared(job, bench, ledger)) is not None:
            known[one.name] = hit
            because = f"{one.name} is in the cache: nothing it depends on changed."
            found.append(_of(one, "cached", because, job.key))
        else:
            because = explained(job, ledger.latest(one.name)).because
            if missing := lacking(one.step, bench.engine):
                because += f" {missing}"
            elif one.step.gpus:
                because += f" It gets {words(one.step.gpus)}."
            found.append(_of(one, "runs", because, job.key))
    return tuple(found)


def _of(one: Planned, action: Action, because: str, key: Digest = NONE) -> Foreseen:
    return Foreseen(
        name=one.name,
        action=action,
        because=because,
        command=one.command,
        params=one.params,
        needs=one.needs,
        gpus=one.step.gpus,
        key=key,
    )


__all__ = ["foresee"]
