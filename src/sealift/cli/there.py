"""What the commands with --env do: release, status and down in a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sealift.chapters import journey, versions
from sealift.chapters.deploying import asking, removal, scaling, standing
from sealift.chapters.deploying import release as releasing
from sealift.chapters.deploying.release import Released, Wish
from sealift.cli.options import HERE, Environment, Json, Where, project, workplace
from sealift.cli.output import Page, Talk, if_interrupted
from sealift.cli.releases import judge_outcome, show_release


def release(where: Path, env: str, model: str | None, json: bool, wish: Wish) -> None:
    """Bring a version into service in a cluster: when its servers are ready, requests move."""
    wired, page, talk = workplace(where), Page(as_json=json), Talk()
    goes_on = (
        "The cluster goes on as it is; the release goes on when "
        f"`sealift release --env {env}` is run again, or ends with `sealift rollback --env {env}`."
    )
    version = versions.number(wired, model)
    journey.admit(wired, versions.pick(wired, version))
    with if_interrupted(talk, goes_on):
        ended = releasing.release(wired, env, version, talk, wish)
    page.value(ended)
    page.table(("object", "state"), list(ended.objects.items()))
    style = "good" if ended.ready >= ended.wanted else "warning"
    page.line(f"model {ended.model}: {ended.ready} of {ended.wanted} servers ready", style)
    if ended.release is not None:
        show_release(page, ended.release)
    _next(page, wired.project.name, env, ended, wait=wish.wait)
    if ended.release is not None:
        judge_outcome(ended.release)


def _next(page: Page, service: str, env: str, ended: Released, *, wait: bool) -> None:
    """Where requests go now, and what may be done next."""
    name = f"{service}-v{ended.model}"
    if ended.moved:
        page.line(f"all requests go to model {ended.model}")
        for old in ended.before:
            if old != name:
                number = old.rpartition("-v")[2]
                page.line(f"{old} is idle; next: sealift down --env {env} --model {number}")
    elif not wait:
        page.line(f"requests stay where they are; next: sealift release --env {env}")
    elif ended.release is None:
        page.line(f"no gateway is named; within the cluster it is http://{name}:8080")


def ask(where: Path, env: str, wish: Literal["promote", "rollback"], json: bool) -> None:
    """End the release in progress in an environment."""
    wired, page, talk = workplace(where), Page(as_json=json), Talk()
    again = f"The wish is kept; `sealift {wish} --env {env}` or `sealift release` goes on."
    with if_interrupted(talk, again):
        ended = asking.ask(wired, env, wish, talk)
    page.value(ended)
    show_release(page, ended)


def scale(
    where: Where = HERE,
    env: Environment = "",
    replicas: Annotated[
        int, typer.Option("--replicas", "-n", min=1, max=1000, help="Servers, at least.")
    ] = 1,
    most: Annotated[
        int, typer.Option(min=0, max=10_000, help="Servers under load; 0 for no more.")
    ] = 0,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Version; the one that serves if absent.")
    ] = None,
    json: Json = False,
) -> None:
    """Give a version in an environment more or fewer servers."""
    wired, page, talk = workplace(where), Page(as_json=json), Talk()
    with if_interrupted(talk, "The cluster goes on; `sealift status` shows how far it is."):
        version = versions.number(wired, model)
        now = scaling.scale(wired, env, version, talk, replicas=replicas, most=most)
    page.value(now)
    page.line(f"model {now.model}: {now.ready} of {now.wanted} servers ready", "good")
    settings = wired.project.environments[now.environment]
    if (settings.replicas, settings.most) != (replicas, most):
        page.line(
            f"sealift.toml says replicas = {settings.replicas}, most = {settings.most}: "
            "the next release asks for that",
            "warning",
        )


def status(where: Path, env: str, json: bool) -> None:
    """What of the project is in a cluster."""
    wired, page = project(where), Page(as_json=json)
    there = standing.status(wired, env)
    page.value(there)
    latest = there.release
    page.line(f"cluster {there.cluster}, namespace {there.namespace}")
    page.table(
        ("model", "servers", "requests", "name"),
        [
            (str(one.model), f"{one.ready} of {one.wanted}", f"{one.weight / 10:g} %", one.name)
            for one in there.versions
        ],
        empty=f"nothing is there yet; next: sealift release --env {env}",
    )
    for one in there.versions:
        page.line(f"model {one.model}: {one.trouble}" if one.trouble else "", "warning")
    if there.versions:
        page.line(f"route: {there.route} {' '.join(there.hosts)}".rstrip())
    if latest is not None and latest.state != "ended":
        by = f", moved by {there.holder}" if there.holder else ""
        page.line(f"release {latest.id} of model {latest.version}: {latest.state}{by}", "warning")
        if latest.verdict is not None:
            page.line(latest.verdict.reason)
        elif latest.events:
            page.line(latest.events[-1].what)


def down(where: Path, env: str, model: str | None, json: bool) -> None:
    """Remove the project's service from a cluster, or one version of it."""
    wired, page, talk = project(where), Page(as_json=json), Talk()
    version = versions.number(wired, model)
    again = f"Some may still be there; `sealift down --env {env}` again removes it."
    with if_interrupted(talk, again):
        ended = removal.down(wired, env, version, talk)
    page.value(ended)
    for name, manager in ended.left.items():
        page.line(f"left alone: {name}, which {manager or 'somebody else'} made", "warning")
    if ended.removed:
        page.line(f"{len(ended.removed)} objects are gone", "good")
    else:
        page.line("nothing of Sealift's was there", "good")


__all__ = ["ask", "down", "release", "scale", "status"]
