"""The story in order: data and train, package, check, release, watch.

Each chapter takes a wired project and hands on records. What a stage decides stands in the stage;
here stands only what comes after what.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import msgspec

from sealift import clock
from sealift.chapters import compiling, naming, versions
from sealift.chapters.proving import bench
from sealift.chapters.registration import delivered, register
from sealift.check.report import require, seal
from sealift.check.suite import check_image, checks_of
from sealift.data.find import find
from sealift.data.snapshot import Files
from sealift.errors import (
    CheckError,
    MachineError,
    ReleaseError,
    StepError,
    UsageError,
)
from sealift.package import evidence
from sealift.ports import Engine, Progress
from sealift.record.foresight import Foreseen
from sealift.record.image import Image
from sealift.record.model import Model
from sealift.record.project import ReleaseSettings
from sealift.record.release import Event, Release
from sealift.record.report import Report
from sealift.record.run import Run
from sealift.release import transitions
from sealift.release.plan import plan
from sealift.train import plan as pipeline
from sealift.train.execute import execute
from sealift.train.foresee import foresee as look_ahead
from sealift.train.gate import failures
from sealift.types import Digest, Scalar
from sealift.wiring import Wired

SEEN_BY_ROUTER = ("errors", "latency_p99")
"""The guards that need no predictions."""
ORPHANED_SECONDS = 10.0
"""How long a release may be without a controller before whoever follows it is told."""


def train(
    wired: Wired,
    *,
    params: Mapping[str, Scalar],
    comment: str,
    progress: Progress,
    environment: str = "",
) -> tuple[Run, Model | None]:
    """Run the steps and, where the project names a model, register what came out.

    With an ``environment`` steps run there, and all else here.

    Raises ``StepError`` when a step fails or a metric misses its gate; the run is recorded
    either way.
    """
    foresee(wired, params)
    with wired.ledger.exclusive("train"):
        builder = wired.builder(progress)
        image = builder.step_image()
        with _steps(wired, environment, image, progress) as engine:
            run = execute(
                wired.project,
                wired.folders,
                engine=engine,
                store=wired.store,
                ledger=wired.ledger,
                lake=Files(wired.folders.root),
                image=image,
                images=builder.borrowed(),
                shared=wired.shared(progress),
                progress=progress,
                params=params,
                comment=comment,
            )
        settings = wired.project.model
        if settings is None or not delivered(run, settings, progress):
            return run, None
        if missed := failures(run.metrics, settings.require):
            raise StepError(
                "The model is not registered: " + "; ".join(missed) + ".",
                where=f"run {run.id}",
                remedy="Improve the model, or change [model.require] in sealift.toml.",
            )
        model = register(wired, run, settings, builder, progress)
        return wired.ledger.get(Run, run.id), model


@contextmanager
def _steps(wired: Wired, environment: str, image: Image, progress: Progress) -> Iterator[Engine]:
    """What steps run on: this machine, or an environment."""
    if not environment:
        yield wired.engine
        return
    place = compiling.placed(wired, environment)
    repository = compiling.repository(wired, place)
    with wired.jobs(place, repository, image.digest, progress) as engine:
        yield engine


def outlook(
    wired: Wired, *, params: Mapping[str, Scalar], progress: Progress
) -> tuple[Foreseen, ...]:
    """What ``train`` would do now, step by step; only the image of the steps is made."""
    foresee(wired, params)
    builder = wired.builder(progress)
    return look_ahead(
        wired.project,
        wired.folders,
        engine=wired.engine,
        store=wired.store,
        ledger=wired.ledger,
        lake=Files(wired.folders.root),
        image=builder.step_image(),
        images=builder.borrowed(),
        shared=wired.shared(progress),
        params=params,
    )


def foresee(wired: Wired, params: Mapping[str, Scalar]) -> None:
    """Raise what a run would soon raise, before its image is built, which can take minutes.

    ``UsageError`` for a parameter that no step has, ``DataError`` for data that is not there.
    """
    steps = pipeline.plan(wired.project, params)
    for name, source in wired.project.data.items():
        if any(f"data.{name}" in one.step.reads for one in steps):
            find(wired.folders.root, source.uri)


def check(wired: Wired, version: int | None, *, progress: Progress) -> Report:
    """Start the image, run every check, sign the report and keep it beside the image.

    A report with failed checks is kept too; the caller judges by ``Report.passed``.
    """
    model = versions.pick(wired, version)
    image = versions.image_of(wired, model)
    report = check_image(
        image.digest, bench(wired), project=wired.project.name, model=model, progress=progress
    )
    seal(report, signer=wired.signer, store=wired.store)
    return report


def admit(wired: Wired, model: Model) -> tuple[Digest, Digest]:
    """The image of a version that may serve, and the report that shows it.

    Raises ``ReleaseError`` when the image has no bill of materials, no provenance, no signature or
    no valid, passing report about this version by the project's policy, and ``CheckError`` when it
    misses a gate of the alias ``champion``.
    """
    naming.fit_to_serve(wired, model.version)
    image = versions.image_of(wired, model)
    evidence.require(image.digest, model.version, store=wired.store, signer=wired.signer)
    report, sealed = require(
        image.digest,
        store=wired.store,
        signer=wired.signer,
        checks={one.name for one in checks_of(model, wired.folders.checks)},
        policy=wired.project.release.policy,
        now=clock.now(),
    )
    if report.model != model.version:
        raise ReleaseError(
            f"The image's report is about model {report.model}, not {model.version}.",
            where=image.digest,
            remedy=f"Run `sealift check --model {model.version}`.",
        )
    return image.digest, sealed.digest


def release(
    wired: Wired,
    version: int | None,
    *,
    strategy: str | None,
    comment: str,
    environment: str = "",
) -> Release:
    """Ask the controller for a release of a model version; returns its record at once.

    In an ``environment`` whoever drives it there is the controller.

    Raises what ``admit`` raises, and ``ReleaseError`` when a guard needs predictions of a server
    that was brought in, when another release is in progress, or when the version serves already.
    """
    model = versions.pick(wired, version)
    image, sealed = admit(wired, model)
    _can_be_guarded(model, wired.project.release)
    with wired.ledger.exclusive("release"):
        previous = _free_for(wired, model.version, environment)
        settings = wired.project.release
        if strategy is not None:
            settings = msgspec.convert(
                msgspec.to_builtins(settings) | {"strategy": strategy}, ReleaseSettings
            )
        wanted = Release(
            id=clock.identifier(),
            service=wired.project.name,
            plan=plan(settings),
            version=model.version,
            image=image,
            report=sealed,
            previous=previous,
            user=getpass.getuser(),
            comment=comment,
            created=clock.now(),
            environment=environment,
        )
        wired.ledger.save(wanted)
    return wanted


def follow(
    wired: Wired, identifier: str, *, steered: Callable[[], bool], poll: float = 0.2
) -> Iterator[Event]:
    """The diary of a release, line by line as it is written, until the release has ended.

    ``steered`` says whether controller and router are there. Raises ``MachineError`` when they are
    not for longer than it takes to bring them back.
    """
    told, orphaned, asked = 0, 0, clock.monotonic()
    while True:
        current = wired.ledger.get(Release, identifier)
        yield from current.events[told:]
        told = len(current.events)
        if current.state == "ended":
            return
        if clock.monotonic() - asked > ORPHANED_SECONDS / 2:
            asked, orphaned = clock.monotonic(), 0 if steered() else orphaned + 1
        if orphaned == 2:
            raise MachineError(
                "The controller or the router is not running; the release waits for it.",
                where=f"release {identifier}",
                remedy="Run `sealift up`: the release then goes on from where it is.",
            )
        clock.sleep(poll)


def ask(wired: Wired, wish: Literal["promote", "rollback"], environment: str = "") -> Release:
    """Tell the controller to end the release in progress by promoting or rolling back."""
    current = versions.in_progress(wired, environment)
    if current is None:
        raise UsageError(
            "No release is in progress.", remedy="See `sealift releases` for those that ended."
        )
    return wired.ledger.amend(
        Release,
        current.id,
        lambda one: transitions.ask(one, wish, by=getpass.getuser(), now=clock.now()),
    )


def passed(report: Report) -> None:
    """Raises ``CheckError`` that names the failed checks."""
    failed = [result.name for result in report.results if not result.passed]
    if failed or not report.results:
        raise CheckError(
            f"{len(failed)} of {len(report.results)} checks failed: {', '.join(failed)}.",
            where=report.subject,
            remedy="Each finding above says what to do.",
        )


def _can_be_guarded(model: Model, settings: ReleaseSettings) -> None:
    """Of a server of others the router sees requests; labels find no predictions to join."""
    blind = [name for name in settings.guard if name not in SEEN_BY_ROUTER]
    if model.origin is not None and blind:
        raise ReleaseError(
            f"Model {model.version} was brought in: its predictions are not seen, so that "
            f"{' and '.join(blind)} can never be shown to be well.",
            where="[release.guard]",
            remedy=f"Remove {' and '.join(blind)}; {' and '.join(SEEN_BY_ROUTER)} can be guarded.",
        )


def _free_for(wired: Wired, version: int, environment: str) -> int | None:
    if (busy := versions.in_progress(wired, environment)) is not None:
        raise ReleaseError(
            f"Release {busy.id} of model {busy.version} is in progress.",
            remedy="Wait for it, or end it with `sealift promote` or `sealift rollback`.",
        )
    current = versions.serving(wired, environment)
    if current == version:
        raise ReleaseError(f"Model {version} serves already.", remedy="Release another version.")
    return current


__all__ = [
    "ask",
    "check",
    "follow",
    "foresee",
    "outlook",
    "passed",
    "release",
    "train",
]
