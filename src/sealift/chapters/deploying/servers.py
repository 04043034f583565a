"""The servers of a release in a cluster: Deployments, looked at and ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

from sealift.chapters.deploying.waiting import selector, standing_of
from sealift.errors import AwayError, ClusterError, KindError
from sealift.kubernetes.kinds import DEPLOYMENT, MADE, POD, ROUTE, SECRET
from sealift.kubernetes.objects import MANAGER, Object, Place, service_labels
from sealift.kubernetes.patience import Patience
from sealift.kubernetes.pod import HTTP
from sealift.kubernetes.pods import restarts
from sealift.kubernetes.reading import managers, text
from sealift.kubernetes.traffic import busy, counts_routes
from sealift.ports import Cluster
from sealift.release.servers import Standing
from sealift.types import Digest

START = 600.0
"""Seconds that servers get to become ready: a node may have to come first."""
GONE = 2
"""Looks for which servers that somebody took away stay so: requests go elsewhere meanwhile."""


class ClusterServers:
    """Implements ``Servers`` in an environment.

    ``bring`` applies the objects of a version whose Deployment is gone, after it was told that
    its servers are not there. Only the ``candidate`` is
    ever ended: other versions keep their servers, so that there is a way back.
    """

    patience = START

    def __init__(
        self,
        cluster: Cluster,
        place: Place,
        service: str,
        *,
        candidate: int,
        bring: Callable[[int], Object],
    ) -> None:
        self._cluster = cluster
        self._place = place
        self._service = service
        self._candidate = candidate
        self._bring = bring
        self._last: dict[int, Standing] = {}
        self._patience: dict[int, Patience] = {}
        self._before: dict[int, int] = {}
        self._missed: Counter[int] = Counter()

    def ensure(self, version: int, image: Digest) -> Standing:  # noqa: ARG002 - the objects name it
        """See ``Servers``. While the cluster does not answer, all is as it was."""
        try:
            self._last[version] = self._look(version)
        except AwayError:
            if version not in self._last:
                raise
        return self._last[version]

    def idle(self, version: int) -> bool:
        """Whether no server of a version is answering anything."""
        namespace = self._place.settings.namespace
        labels = {"app.kubernetes.io/name": self._service, "sealift.version": str(version)}
        for pod in self._cluster.find(POD, namespace, labels).items:
            name = text(pod, "metadata", "name")
            try:
                page = self._cluster.fetch(name, namespace, HTTP, "/metrics", {})
            except ClusterError:
                continue
            if busy(page.decode(errors="replace")):
                return False
        return True

    def stop_others(self, keep: Collection[int]) -> None:
        """See ``Servers``; the route is nobody's servers."""
        if self._candidate in keep:
            return
        labels = service_labels(self._service) | {"sealift.version": str(self._candidate)}
        for kind in MADE:
            if kind in (ROUTE, SECRET):
                continue
            try:
                found = self._cluster.find(kind, self._place.settings.namespace, labels).items
            except KindError:
                continue
            for one in found:
                if MANAGER in managers(one):
                    self._cluster.delete(one)

    def _look(self, version: int) -> Standing:
        name, namespace = f"{self._service}-v{version}", self._place.settings.namespace
        deployment = self._cluster.get(DEPLOYMENT, name, namespace)
        if deployment is None:
            self._missed[version] += 1
            if version in self._last and self._missed[version] <= GONE:
                return Standing(version=version, urls=(), ready=False)
            deployment = self._bring(version)
        self._missed.pop(version, None)
        now, _ = standing_of(self._cluster, deployment)
        pods = self._cluster.find(POD, namespace, selector(deployment)).items
        deaths = sum(map(restarts, pods))
        first = self._before.setdefault(version, deaths)
        trouble = self._patience.setdefault(version, Patience()).out(now.trouble)
        told = f"{trouble.what} {trouble.remedy}" if trouble else ""
        return Standing(
            version=version,
            urls=(f"http://{name}:{HTTP}",) if now.ready else (),
            ready=now.done or now.ready >= min(now.wanted, self._place.settings.replicas),
            deaths=max(0, deaths - first),
            hopeless="" if now.ready else told,
            cause=told,
        )


def counted(cluster: Cluster, place: Place, service: str, version: int) -> bool:
    """Whether the servers of a version count requests by route; also where none of them answers."""
    labels = {"app.kubernetes.io/name": service, "sealift.version": str(version)}
    namespace = place.settings.namespace
    for pod in cluster.find(POD, namespace, labels).items:
        try:
            page = cluster.fetch(text(pod, "metadata", "name"), namespace, HTTP, "/metrics", {})
        except ClusterError:
            continue
        return counts_routes(page.decode(errors="replace"))
    return True


__all__ = ["GONE", "START", "ClusterServers", "counted"]
