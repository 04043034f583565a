"""What the commands with --env do: release, status and down in a cluster."""

from __future__ import annotations

from pathlib import Path

from sealift.chapters import journey, versions
from sealift.chapters.deploying import release as releasing
from sealift.chapters.deploying import removal, standing
from sealift.cli.options import project
from sealift.cli.output import Page, Talk, if_interrupted


def release(
    where: Path, env: str, model: str | None, json: bool, *, wait: bool, force: bool
) -> None:
    """Bring a version into service in a cluster: when its servers are ready, requests move."""
    wired, page, talk = project(where), Page(as_json=json), Talk()
    goes_on = (
        "The cluster goes on starting servers; requests stay where they are until "
        f"`sealift release --env {env}` is run again."
    )
    version = versions.number(wired, model)
    journey.admit(wired, versions.pick(wired, version))
    with if_interrupted(talk, goes_on):
        ended = releasing.release(wired, env, version, talk, wait=wait, force=force)
    page.value(ended)
    page.table(("object", "state"), list(ended.objects.items()))
    style = "good" if ended.ready >= ended.wanted else "warning"
    page.line(f"model {ended.model}: {ended.ready} of {ended.wanted} servers ready", style)
    name = f"{wired.project.name}-v{ended.model}"
    if ended.moved:
        page.line(f"all requests go to model {ended.model}")
        for old in ended.before:
            if old != name:
                number = old.rpartition("-v")[2]
                page.line(f"{old} is idle; next: sealift down --env {env} --model {number}")
    elif wait:
        page.line(f"no gateway is named; within the cluster it is http://{name}:8080")
    else:
        page.line(f"requests stay where they are; next: sealift release --env {env}")


def status(where: Path, env: str, json: bool) -> None:
    """What of the project is in a cluster."""
    wired, page = project(where), Page(as_json=json)
    there = standing.status(wired, env)
    page.value(there)
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


__all__ = ["down", "release", "status"]
