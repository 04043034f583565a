"""The commands that run a service: up, down, status, release, promote, rollback, watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sealift import clock, control
from sealift.chapters import journey, versions
from sealift.cli import there
from sealift.cli.options import HERE, Comment, Environment, Json, Version, Where, finite, project
from sealift.cli.output import Page, Talk, if_interrupted, moment, number
from sealift.cli.watching import show_watch
from sealift.errors import MachineError, ReleaseError, UsageError
from sealift.record.model import Model
from sealift.record.release import GuardEvidence, Release
from sealift.watch.labels import read_labels
from sealift.watch.profiles import Profiles
from sealift.watch.report import watch as look
from sealift.wiring import Wired


def up(where: Where = HERE, json: Json = False) -> None:
    """Start router, controller and API, or repair them."""
    wired, page = project(where), Page(as_json=json)
    talk = Talk()
    with if_interrupted(talk, "What started keeps running; `sealift down` ends it."):
        running = control.up(wired.folders.root, progress=talk)
    page.value(running)
    page.line(f"service  {running.address}", "good")
    page.line(f"API      {running.api}")


def down(
    where: Where = HERE,
    env: Environment = "",
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="With --env: this version alone.")
    ] = None,
    json: Json = False,
) -> None:
    """End everything that `up` and the releases started."""
    if env:
        there.down(where, env, model, json)
        return
    if model:
        raise UsageError("--model needs --env.", remedy="Say which environment it is in.")
    wired, page = project(where), Page(as_json=json)
    talk = Talk()
    with if_interrupted(talk, "Some may still run; `sealift down` again ends it."):
        ended = control.down(wired.folders.root, progress=talk)
    page.value({"ended": ended})
    page.line("nothing is left running", "good")


def status(where: Where = HERE, env: Environment = "", json: Json = False) -> None:
    """What runs, what serves, what is in progress."""
    if env:
        there.status(where, env, json)
        return
    wired, page = project(where), Page(as_json=json)
    running = control.status(wired.folders.root)
    current, release = versions.serving(wired), versions.in_progress(wired)
    counts = wired.observations.counts()
    asleep = "" if running.address or current is None else ", as soon as `sealift up` starts it"
    page.value({"processes": running, "serving": current, "release": release, "counts": counts})
    page.table(
        ("process", "state", "where"),
        [(one.name, "running" if one.running else "down", one.where) for one in running.parts],
    )
    page.line(f"serving: {'nothing yet' if current is None else f'model {current}'}{asleep}")
    if release is not None:
        page.line(f"release {release.id} of model {release.version}: {release.state}", "warning")
        if release.verdict is not None:
            page.line(release.verdict.reason)
    page.table(
        ("model", "requests", "failed", "predictions", "labels"),
        [
            (str(version), *(f"{row.get(name, 0):,}" for name in COUNTED))
            for version, row in sorted(counts.items())
        ],
        empty="no requests yet",
    )


COUNTED = ("requests", "failed", "predictions", "labels")


def release(
    where: Where = HERE,
    model: Version = None,
    strategy: Annotated[
        Literal["blue-green", "canary"] | None,
        typer.Option(help="Other than in sealift.toml."),
    ] = None,
    comment: Comment = "",
    wait: Annotated[bool, typer.Option(help="Follow the release until it has ended.")] = True,
    env: Environment = "",
    force: Annotated[
        bool,
        typer.Option("--force-conflicts", help="With --env: take over fields that others set."),
    ] = False,
    json: Json = False,
) -> None:
    """Bring a model up behind the stable address, on evidence."""
    if env:
        if strategy == "canary":
            raise UsageError(
                "There are no canaries in an environment yet.",
                remedy="Release without --strategy: requests move when the new servers are ready.",
            )
        there.release(where, env, model, json, wait=wait, force=force)
        return
    if force:
        raise UsageError("--force-conflicts needs --env.", remedy="Say which environment.")
    wired, page, talk = project(where), Page(as_json=json), Talk()
    if not control.status(wired.folders.root).controller:
        raise MachineError("The controller is not running.", remedy="Run `sealift up`.")
    wanted = journey.release(
        wired, versions.number(wired, model), strategy=strategy, comment=comment
    )
    talk.say(f"release {wanted.id}: model {wanted.version}, {wanted.plan.strategy}")
    if wait:
        wanted = follow(wired, wanted, talk)
    page.value(wanted)
    show_release(page, wanted)
    if wait:
        judge_outcome(wanted)


def follow(wired: Wired, one: Release, talk: Talk) -> Release:
    """Tell a release's diary as it is written, until it has ended; how it ended.

    Raises ``MachineError`` when there is no controller or router any more that could end it.
    """
    goes_on = "The release goes on; see `sealift status`, end it with `sealift rollback`."
    with if_interrupted(talk, goes_on):
        for event in journey.follow(wired, one.id, steered=lambda: steered(wired)):
            talk.step(clock.stamp(event.at)[11:19], event.what)
    return wired.ledger.get(Release, one.id)


def steered(wired: Wired) -> bool:
    """Whether controller and router are there, which a release needs both."""
    running = control.status(wired.folders.root)
    return running.controller is not None and bool(running.address)


def show_release(page: Page, one: Release) -> None:
    """A release for a person: verdict, evidence, audit."""
    page.line(
        f"release {one.id}  model {one.version} (before: {one.previous or 'none'})  "
        f"{one.plan.strategy}  {one.outcome or one.state}",
        "good" if one.outcome == "promoted" else "warning",
    )
    if one.verdict is not None:
        page.line(one.verdict.reason)
        page.table(EVIDENCE_HEADS, [evidence_row(guard) for guard in one.verdict.evidence])
    audit = one.audit
    shares = ", ".join(f"model {name}: {count:,}" for name, count in audit.by_version.items())
    page.line(f"audit: {audit.requests:,} requests, {audit.failed:,} failed ({shares or 'none'})")


EVIDENCE_HEADS = (
    "guard",
    "stable",
    "candidate",
    "difference",
    "at least",
    "at most",
    "margin",
    "standing",
)


def evidence_row(guard: GuardEvidence) -> tuple[str, ...]:
    """One guard's numbers as cells."""
    return (
        guard.guard,
        f"{number(guard.stable)} ({guard.stable_count:,})",
        f"{number(guard.candidate)} ({guard.candidate_count:,})",
        number(guard.difference),
        number(guard.lower),
        number(guard.upper),
        number(guard.margin),
        guard.standing,
    )


def judge_outcome(one: Release) -> None:
    """Raises ``ReleaseError`` for a release that did not end with a promotion."""
    if one.outcome != "promoted":
        reason = one.verdict.reason if one.verdict else one.events[-1].what
        raise ReleaseError(
            f"Model {one.version} was not promoted ({one.outcome}): {reason}",
            where=f"release {one.id}",
            remedy="See `sealift watch`, mend the model, and release it again.",
        )


def releases(where: Where = HERE, json: Json = False) -> None:
    """The releases so far, with outcome and audit."""
    wired, page = project(where), Page(as_json=json)
    known = wired.ledger.all(Release)
    page.value(known)
    page.table(
        ("release", "model", "strategy", "outcome", "created", "by", "requests", "failed", "why"),
        [
            (
                one.id,
                str(one.version),
                one.plan.strategy,
                one.outcome or one.state,
                moment(one.created),
                one.user,
                f"{one.audit.requests:,}",
                str(one.audit.failed),
                one.comment,
            )
            for one in known
        ],
        empty="no release yet; next: sealift release",
    )


def promote(where: Where = HERE, json: Json = False) -> None:
    """Promote the release in progress, whatever the evidence."""
    _ask(where, "promote", json)


def rollback(where: Where = HERE, json: Json = False) -> None:
    """Roll the release in progress back."""
    _ask(where, "rollback", json)


def _ask(where: Path, wish: Literal["promote", "rollback"], json: bool) -> None:
    wired, page, talk = project(where), Page(as_json=json), Talk()
    asked = journey.ask(wired, wish)
    ended = follow(wired, asked, talk)
    page.value(ended)
    show_release(page, ended)


def watch(
    where: Where = HERE,
    labels: Annotated[
        Path | None, typer.Option(help="First add the labels of a CSV or JSON lines file.")
    ] = None,
    since: Annotated[
        float,
        typer.Option(
            metavar="HOURS",
            help="Only the last so many hours; 0: all.",
            min=0,
            max=1e6,
            callback=finite,
        ),
    ] = 0.0,
    json: Json = False,
) -> None:
    """Error, drift and latency of every version that served."""
    wired, page, talk = project(where), Page(as_json=json), Talk()
    if labels is not None:
        added = read_labels(labels, now=clock.now())
        wired.observations.add(cursors={}, labels=added)
        talk.say(f"{len(added):,} labels added")
    begin = clock.now() - since * 3600 if since else 0.0
    models = wired.ledger.all(Model)
    seen = look(
        wired.observations,
        Profiles(wired.ledger, wired.store).known(),
        serving=versions.serving(wired),
        since=begin,
        trained={model.version: model.metrics for model in models},
        brought={model.version for model in models if model.origin},
    )
    page.value(seen)
    show_watch(page, seen)


__all__ = [
    "down",
    "promote",
    "release",
    "releases",
    "rollback",
    "show_release",
    "status",
    "up",
    "watch",
]
