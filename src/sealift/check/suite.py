"""All checks in order, and how they are carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sealift import clock
from sealift.check import (
    contract,
    drain,
    endpoint,
    golden,
    health,
    invalid_json,
    killed,
    latency,
    logs,
    metrics,
    nonroot,
    overload,
    readonly,
    repeatable,
    starts,
    subject,
    unsecret,
    valid_request,
)
from sealift.check.brought import suite as brought
from sealift.check.check import Check, error
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
    invalid_json.CHECK,
    contract.CHECK,
    golden.CHECK,
    repeatable.CHECK,
    metrics.CHECK,
    logs.CHECK,
    latency.CHECK,
    overload.CHECK,
    nonroot.CHECK,
    readonly.CHECK,
    unsecret.CHECK,
    killed.CHECK,
    drain.CHECK,
)
"""The order matters: the first starts the server, the last ends it."""


def demanded(model: Model) -> set[str]:
    """The names of the checks that an image of this model has to have passed for a release."""
    return {one.name for one in (brought.CHECKS if model.origin else CHECKS)}


def check_image(
    image: Digest,
    *,
    project: str,
    model: Model | None,
    engine: Engine,
    store: Store,
    live: Path,
    progress: Progress,
    labels: Mapping[str, str] | None = None,
) -> Report:
    """Start an image in the store, carry out every check on it, and end it.

    ``model`` is that which it must hold (None: whatever it holds). Logs go below ``live``;
    ``labels`` go onto its containers. Raises ``CheckError`` for an image
    that cannot be checked at all, or holds another model; faults of the image are findings.
    """
    origin = model.origin if model else None
    about = (
        subject.brought(model, origin, store) if model and origin else subject.read(image, store)
    )
    if model and about.model.version != model.version:
        raise CheckError(
            f"The image holds model {about.model.version}, not {model.version}.",
            where=image,
            remedy=f"Run `sealift package --model {model.version}`.",
        )
    target = Target(
        about,
        engine=engine,
        folder=live / "check",
        labels=labels or {"sealift.project": str(live)},
    )
    checks = brought.CHECKS if origin else CHECKS
    return check(target, project=project, progress=progress, checks=checks)


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


__all__ = ["CHECKS", "check", "check_image", "demanded"]
