"""A service, or one version of it, is taken out of a cluster: only what is Sealift's."""

from __future__ import annotations

import msgspec

from sealift import clock
from sealift.chapters import compiling
from sealift.chapters.deploying.waiting import Waiter
from sealift.errors import ClusterError, KindError, ReleaseError
from sealift.kubernetes.kinds import MADE, ROUTE, WORK, Kind, kind_of
from sealift.kubernetes.objects import MANAGER, Object, service_labels, step_labels
from sealift.kubernetes.reading import managers, part, text, title
from sealift.kubernetes.routing import weights
from sealift.ports import Cluster, Progress
from sealift.wiring import Wired

PATIENCE = 120.0
"""Seconds for which objects that go slowly are waited for: a server gets 45 to end."""


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, and what was left alone: its labels say it is, its fields that it is not.

    ``left`` is by object, with who manages it.
    """

    environment: str
    cluster: str
    namespace: str
    removed: tuple[str, ...]
    left: dict[str, str]


def down(
    wired: Wired,
    environment: str,
    version: int | None,
    progress: Progress,
    patience: float = PATIENCE,
) -> Removed:
    """Remove a service from an environment, or one version of it, and wait until it is gone.

    With the whole service goes what steps left there, such as claims with checkpoints.
    Raises ``ReleaseError`` for a version that gets requests, and ``ClusterError`` for objects that
    are still there after ``patience`` seconds.
    """
    place = compiling.placed(wired, environment)
    service, namespace = wired.project.name, place.settings.namespace
    with wired.cluster(place.settings.context) as cluster:
        progress.say(f"cluster {cluster.address}, namespace {namespace}")
        labels = service_labels(service)
        if version is not None:
            _idle(cluster, service, namespace, version)
            labels["sealift.version"] = str(version)
        found = [one for kind in MADE for one in _found(cluster, kind, namespace, labels)]
        if version is None:
            steps = step_labels(service)
            found += [one for kind in WORK for one in _found(cluster, kind, namespace, steps)]
        own = [one for one in found if MANAGER in managers(one)]
        for one in own:
            cluster.delete(one)
            progress.step(title(one), "ending")
        _gone(cluster, namespace, own, progress, patience)
        return Removed(
            environment=place.name,
            cluster=cluster.address,
            namespace=namespace,
            removed=tuple(map(title, own)),
            left={title(one): ", ".join(managers(one)) for one in found if one not in own},
        )


def _found(
    cluster: Cluster, kind: Kind, namespace: str, labels: dict[str, str]
) -> tuple[Object, ...]:
    try:
        return cluster.find(kind, namespace, labels).items
    except KindError:
        return ()


def _idle(cluster: Cluster, service: str, namespace: str, version: int) -> None:
    """Raises ``ReleaseError`` where a version gets requests."""
    try:
        route = cluster.get(ROUTE, service, namespace)
    except KindError:
        return
    if weights(route or {}).get(f"{service}-v{version}"):
        raise ReleaseError(
            f"Model {version} gets requests.",
            where=f"httproute {service}",
            remedy="Release another version there first, or take the whole service down.",
        )


def _gone(
    cluster: Cluster, namespace: str, own: list[Object], progress: Progress, patience: float
) -> None:
    """Wait until objects are gone; tell each that is."""
    waiter, ends = Waiter(cluster, namespace, progress), clock.monotonic() + patience
    while own:
        there = []
        for one in own:
            now = waiter.patiently(lambda one=one: _now(cluster, one))  # type: ignore[misc]
            if now is None:
                progress.step(title(one), "gone")
            else:
                there.append(now)
        own = there
        if own and clock.monotonic() > ends:
            raise _stuck(own)
        if own:
            labels = part(own[0], "metadata", "labels")
            told = labels if isinstance(labels, dict) else {}
            since = text(own[0], "metadata", "resourceVersion")
            waiter.pause(kind_of(own[0]), {name: str(told[name]) for name in told}, since)


def _now(cluster: Cluster, one: Object) -> Object | None:
    """An object as it is, unless another one has its name by now."""
    metadata = ("metadata", "uid")
    name, namespace = text(one, "metadata", "name"), text(one, "metadata", "namespace")
    now = cluster.get(kind_of(one), name, namespace)
    return now if now and text(now, *metadata) == text(one, *metadata) else None


def _stuck(own: list[Object]) -> ClusterError:
    held = part(own[0], "metadata", "finalizers")
    reasons = ", ".join(map(str, held)) if isinstance(held, list) else "nothing that it says"
    return ClusterError(
        f"Some objects are still going: {', '.join(map(title, own))}. "
        f"The first waits for: {reasons}.",
        where=text(own[0], "metadata", "namespace"),
        remedy="See that the controllers named there run, and run `sealift down` again.",
    )


__all__ = ["PATIENCE", "Removed", "down"]
