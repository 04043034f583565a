"""How many servers a version has in a cluster, changed without a release."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from sealift.chapters import compiling, versions
from sealift.chapters.deploying.release import Work
from sealift.errors import NotFoundError, UsageError
from sealift.kubernetes.kinds import DEPLOYMENT, SCALER, kind_of
from sealift.kubernetes.objects import MANAGER
from sealift.kubernetes.reading import managers, text
from sealift.ports import Progress
from sealift.wiring import Wired


class Scaled(msgspec.Struct, frozen=True, kw_only=True):
    """How many servers a version has, of those wanted; up to ``most`` under load, 0 for no more."""

    environment: str
    cluster: str
    namespace: str
    model: int
    ready: int
    wanted: int
    most: int
    objects: dict[str, str]


def scale(
    wired: Wired,
    environment: str,
    version: int | None,
    progress: Progress,
    *,
    replicas: int,
    most: int,
) -> Scaled:
    """Give a version (None: the one that serves) so many servers, and wait for them.

    Raises ``NotFoundError`` for a version that is not there, and what a release raises where they
    do not become ready.
    """
    if most and most < replicas:
        raise UsageError(
            f"{most} servers at most are fewer than {replicas}.",
            remedy="Give a larger --most, or 0 for no more than --replicas.",
        )
    place = compiling.placed(wired, environment)
    place = replace(place, settings=replace(place.settings, replicas=replicas, most=most))
    service, namespace = wired.project.name, place.settings.namespace
    with wired.cluster(place.settings.context) as cluster:
        progress.say(f"cluster {cluster.address}, namespace {namespace}")
        work = Work(wired, cluster, place, progress, force=False)
        if place.settings.gateway is not None:
            work.learn()
        number = version or versions.serving(wired, place.name)
        name = f"{service}-v{number}"
        if number is None or cluster.get(DEPLOYMENT, name, namespace) is None:
            which = f"Model {number} is not" if number else "No model is"
            raise NotFoundError(
                f"{which} in {place.name}.",
                where=namespace,
                remedy=f"`sealift status --env {place.name}` shows what is; name it with --model.",
            )
        wanted = [
            one
            for one in compiling.made(wired, place, number)
            if kind_of(one) in (DEPLOYMENT, SCALER)
        ]
        if not any(kind_of(one) == SCALER for one in wanted):
            former = cluster.get(SCALER, name, namespace)
            if former is not None and MANAGER in managers(former):
                cluster.delete(former)
                progress.step(f"horizontalpodautoscaler {name}", "removed")
        ready = work.ready(work.servers(wanted))
        return Scaled(
            environment=place.name,
            cluster=cluster.address,
            namespace=text(wanted[0], "metadata", "namespace"),
            model=number,
            ready=ready.ready,
            wanted=ready.wanted,
            most=most,
            objects=work.done,
        )


__all__ = ["Scaled", "scale"]
