"""All checks in order, and how they are carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealift import clock
from sealift.check import (
    batched,
    concurrent,
    contract,
    drain,
    endpoint,
    fuzz,
    golden,
    health,
    invalid_json,
    killed,
    latency,
    licences,
    lineage,
    logs,
    machine,
    metrics,
    no_network,
    nonroot,
    overload,
    own,
    packages,
    readonly,
    repeatable,
    schema,
    sheds,
    size,
    starts,
    subject,
    unsecret,
    valid_request,
    vulnerabilities,
)
from sealift.check.brought import suite as brought
from sealift.check.check import Check, error
from sealift.check.papers import Papers
from sealift.check.target import Target
from sealift.errors import CheckError, SealiftError
from sealift.ports import Engine, Progress, Store
from sealift.record.model import Model
from sealift.record.report import CheckResult, Finding, Report
from sealift.types import Digest

CHECKS: tuple[Check, ...] = (
    starts.CHECK,
    health.CHECK,
    endpoint.CHECK,
    valid_request.CHECK,
    schema.CHECK,
    invalid_json.CHECK,
    contract.CHECK,
    fuzz.CHECK,
    golden.CHECK,
    repeatable.CHECK,
    batched.CHECK,
    concurrent.CHECK,
    metrics.CHECK,
    logs.CHECK,
    latency.CHECK,
    overload.CHECK,
    sheds.CHECK,
    nonroot.CHECK,
    readonly.CHECK,
    no_network.CHECK,
    unsecret.CHECK,
    size.CHECK,
    packages.CHECK,
    licences.CHECK,
    vulnerabilities.CHECK,
    lineage.CHECK,
    killed.CHECK,
    drain.CHECK,
)
"""The order matters: the first starts the server, the last ends it."""


def _unknown(_: Digest) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where images are checked.

    Logs go below ``live``, ``labels`` onto the containers; ``own`` is the folder of the project's
    own checks, which need not be there. ``papers`` gives what is known of an image beside its
    files. ``platform`` is that of this machine; if empty, images are not compared with it.
    """

    engine: Engine
    store: Store
    live: Path
    labels: Mapping[str, str]
    own: Path | None = None
    platform: str = ""
    papers: Callable[[Digest], Papers | None] = _unknown


def checks_of(model: Model | None, folder: Path | None) -> tuple[Check, ...]:
    """The checks that apply to an image of a model, and the project's own; in order."""
    ours = brought.CHECKS if model and model.origin else CHECKS
    return own.joined(ours, own.load(folder, {one.name for one in ours}))


def check_image(
    image: Digest, bench: Bench, *, project: str, model: Model | None, progress: Progress
) -> Report:
    """Start an image in the store, carry out every check on it, and end it.

    ``model`` is that which it must hold (None: whatever it holds). Raises ``CheckError`` for an
    image that cannot be checked at all, or holds another model; faults of the image are findings.
    """
    checks = checks_of(model, bench.own)
    about = described(image, bench.store, model)
    machine.require(about.platform, bench.platform, image)
    papers = bench.papers(image)
    target = Target(
        about,
        engine=bench.engine,
        folder=bench.live / "check",
        labels=bench.labels,
        budget=papers.settings.start if papers and not (model and model.origin) else None,
        papers=papers,
    )
    return check(target, project=project, progress=progress, checks=checks)


def described(image: Digest, store: Store, model: Model | None) -> subject.Subject:
    """What an image says of itself. Raises ``CheckError`` where that is another model."""
    if model and model.origin:
        return subject.brought(model, model.origin, store)
    about = subject.read(image, store)
    if model and about.model.version != model.version:
        raise CheckError(
            f"The image holds model {about.model.version}, not {model.version}.",
            where=image,
            remedy=f"Run `sealift package --model {model.version}`.",
        )
    return about


def check(
    target: Target, *, project: str, progress: Progress, checks: Sequence[Check] = CHECKS
) -> Report:
    """Carry out checks on a target, which is ended after the last."""
    started = clock.now()
    results: list[CheckResult] = []
    suspect = ""
    with target:
        for one in checks:
            progress.step(one.name, "running")
            because = obstacle(target, one, suspect)
            result = not_carried_out(one, because) if because else carried_out(one, target)
            progress.step(one.name, "passed" if result.passed else "failed")
            results.append(result)
            if not because:
                suspect = one.name
    return Report(
        subject=target.subject.image,
        project=project,
        model=target.subject.model.version,
        started=started,
        finished=clock.now(),
        engine=target.engine.name,
        results=tuple(results),
    )


def obstacle(target: Target, one: Check, suspect: str) -> str:
    """Why a check cannot be carried out, or nothing. ``suspect`` is the last that was."""
    if one.needs == "image":
        return ""
    if not target.ready:
        return "the server was not ready"
    try:
        target.get(target.launch.live)
    except CheckError:
        return f"the server stopped answering during or after {suspect!r}"
    return ""


def carried_out(one: Check, target: Target) -> CheckResult:
    """The result of a check; a foreseen error in it is a finding like any other."""
    begun = clock.monotonic()
    found: list[Finding] = []
    try:
        # one by one, so that what was found before an error is kept
        for finding in one.findings(target):
            found.append(finding)
    except SealiftError as failure:
        found.append(error(failure.what, place=failure.where, remedy=failure.remedy))
    seen = [finding.message for finding in found if finding.severity == "info"]
    return CheckResult(
        name=one.name,
        shows=one.shows,
        findings=tuple(finding for finding in found if finding.severity != "info"),
        seconds=clock.monotonic() - begun,
        detail="; ".join(seen),
    )


def not_carried_out(one: Check, because: str) -> CheckResult:
    """The result of a check that had nothing to look at: failed, and saying why."""
    finding = error(
        f"Not carried out: {because}.", remedy="Mend what the checks before it found first."
    )
    return CheckResult(name=one.name, shows=one.shows, findings=(finding,), seconds=0.0)


__all__ = ["CHECKS", "Bench", "check", "check_image", "checks_of"]
