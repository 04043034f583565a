"""The commands that run a service: up, down, status, release, promote, rollback, watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sealift import clock, control
from sealift.chapters import journey, versions
from sealift.chapters.deploying.release import Wish
from sealift.chapters.deploying.watching import collect
from sealift.cli import there
from sealift.cli.options import HERE, Comment, Environment, Json, Version, Where, finite, project
from sealift.cli.output import Page, Talk, if_interrupted, moment
from sealift.cli.releases import judge_outcome, show_release
from sealift.cli.watching import show_watch
from sealift.errors import MachineError, UsageError
from sealift.record.model import Model
from sealift.record.release import Release
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
        wish = Wish(strategy=strategy, comment=comment, wait=wait, force=force)
        there.release(where, env, model, json, wish)
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


def releases(where: Where = HERE, json: Json = False) -> None:
    """The releases so far, with outcome and audit."""
    wired, page = project(where), Page(as_json=json)
    known = wired.ledger.all(Release)
    page.value(known)
    page.table(
        (
            *("release", "model", "env", "strategy", "outcome", "created", "by", "requests"),
            *("failed", "why"),
        ),
        [
            (
                one.id,
                str(one.version),
                one.environment or "-",
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


def promote(where: Where = HERE, env: Environment = "", json: Json = False) -> None:
    """Promote the release in progress, whatever the evidence."""
    _ask(where, env, "promote", json)


def rollback(where: Where = HERE, env: Environment = "", json: Json = False) -> None:
    """Roll the release in progress back."""
    _ask(where, env, "rollback", json)


def _ask(where: Path, env: str, wish: Literal["promote", "rollback"], json: bool) -> None:
    if env:
        there.ask(where, env, wish, json)
        return
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
    env: Environment = "",
    json: Json = False,
) -> None:
    """Error, drift and latency of every version that served."""
    wired, page, talk = project(where), Page(as_json=json), Talk()
    observations = collect(wired, env, talk) if env else wired.observations
    if labels is not None:
        added = read_labels(labels, now=clock.now())
        observations.add(cursors={}, labels=added)
        talk.say(f"{len(added):,} labels added")
    begin = clock.now() - since * 3600 if since else 0.0
    models = wired.ledger.all(Model)
    seen = look(
        observations,
        Profiles(wired.ledger, wired.store).known(),
        serving=versions.serving(wired, env),
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
    "status",
    "up",
    "watch",
]
