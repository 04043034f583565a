"""A version is brought into service: its servers first, then the requests.

Everything is applied and judged by what the cluster says: the next run goes on where one ended.
"""

from __future__ import annotations

import msgspec

from sealift.chapters import compiling
from sealift.chapters.deploying.waiting import Waiter, failed, standing_of
from sealift.errors import ConflictError, ReleaseError
from sealift.kubernetes import rollout
from sealift.kubernetes.kinds import DEPLOYMENT, ROUTE, kind_of
from sealift.kubernetes.objects import Object, Place
from sealift.kubernetes.reading import part, text, title
from sealift.kubernetes.routing import weights
from sealift.ports import Cluster, Progress
from sealift.types import Json
from sealift.wiring import Wired


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """How a release ended: what it did with each object, and whether requests go there now.

    ``before`` are the servers that the requests went to until then.
    """

    environment: str
    cluster: str
    namespace: str
    model: int
    objects: dict[str, str]
    ready: int
    wanted: int
    moved: bool
    before: tuple[str, ...] = ()


def release(
    wired: Wired,
    environment: str,
    version: int | None,
    progress: Progress,
    *,
    wait: bool = True,
    force: bool = False,
) -> Released:
    """Bring a version (None: the newest) into service in an environment.

    While not ``wait`` its servers are asked for and the requests stay where they are. With
    ``force`` fields that others set otherwise are taken over. Raises ``ClusterError`` where the
    cluster refuses something, and ``ReleaseError`` as soon as it is sure that the servers will
    not be ready; then the requests stay where they are, too.
    """
    place = compiling.placed(wired, environment)
    objects = compiling.manifests(wired, environment, version)
    namespace = place.settings.namespace
    with wired.cluster(place.settings.context) as cluster:
        progress.say(f"cluster {cluster.address}, namespace {namespace}")
        work = _Work(cluster, place, progress, force)
        route = next((one for one in objects if kind_of(one) == ROUTE), None)
        before = work.looked_at(route) if route else None
        deployment = work.servers([one for one in objects if one is not route])
        ready = work.ready(deployment) if wait else standing_of(cluster, deployment)[0]
        if wait and route:
            work.move(route, before)
        return Released(
            environment=place.name,
            cluster=cluster.address,
            namespace=namespace,
            model=int(text(deployment, "metadata", "labels", "sealift.version")),
            objects=work.done,
            ready=ready.ready,
            wanted=ready.wanted,
            moved=wait and route is not None,
            before=tuple(name for name, weight in weights(before or {}).items() if weight),
        )


class _Work:
    """What a release does in a cluster; ``done`` is what became of each object."""

    def __init__(self, cluster: Cluster, place: Place, progress: Progress, force: bool) -> None:
        self._cluster = cluster
        self._place = place
        self._progress = progress
        self._force = force
        self._waiter = Waiter(cluster, place.settings.namespace, progress)
        self.done: dict[str, str] = {}

    def looked_at(self, route: Object) -> Object | None:
        """The route as it is; raises ``ReleaseError`` at once where no gateway would take one."""
        gateway = self._place.settings.gateway
        assert gateway is not None
        if found := self._waiter.gateway_trouble(gateway):
            raise failed(found)
        return self._get(route)

    def servers(self, objects: list[Object]) -> Object:
        """Apply what makes the servers; their deployment."""
        made = {kind_of(one): self._apply(one) for one in objects}
        return made[DEPLOYMENT]

    def ready(self, deployment: Object) -> rollout.Standing:
        """Wait for the servers."""
        return self._waiter.until_ready(deployment)

    def move(self, route: Object, before: Object | None) -> None:
        """Send the requests there, unless somebody else changed the route meanwhile."""
        for last in (False, False, True):
            try:
                made = self._swapped(route, before)
                break
            except ConflictError:  # a gateway that writes its status changes the route as well
                if last:
                    raise
        gateway = self._place.settings.gateway
        assert gateway is not None
        self._waiter.until_routed(made, gateway)

    def _swapped(self, route: Object, before: Object | None) -> Object:
        """Apply the route where it is as it was; raises ``ConflictError`` where it is not."""
        now = self._get(route)
        if weights(now or {}) != weights(before or {}):
            raise ReleaseError(
                "Somebody else moved the requests meanwhile; they were left there.",
                where=title(route),
                remedy="See `sealift status` of the environment, and release again.",
            )
        metadata = part(route, "metadata")
        assert isinstance(metadata, dict)
        version = text(now, "metadata", "resourceVersion")
        pinned: dict[str, Json] = {**metadata, "resourceVersion": version} if now else metadata
        return self._apply({**route, "metadata": pinned})

    def _apply(self, one: Object) -> Object:
        """Apply an object, and tell whether that made or changed it."""
        before = self._get(one)
        wanted = rollout.numbered(one, before) if kind_of(one) == DEPLOYMENT else one
        after = self._cluster.apply(wanted, force=self._force)
        same = before is not None and _version(before) == _version(after)
        word = "created" if before is None else "unchanged" if same else "changed"
        self.done[title(one)] = word
        self._progress.step(title(one), word)
        return after

    def _get(self, one: Object) -> Object | None:
        name = text(one, "metadata", "name")
        return self._cluster.get(kind_of(one), name, self._place.settings.namespace)


def _version(one: Object) -> str:
    return text(one, "metadata", "resourceVersion")


__all__ = ["Released", "release"]
