"""Waiting for a cluster: until servers are ready or a route is in force, or surely will not be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sealift.errors import AwayError, ClusterError, ForbiddenError, ReleaseError
from sealift.kubernetes import rollout, routing
from sealift.kubernetes.kinds import CLASS, DEPLOYMENT, GATEWAY, POD, REPLICAS, ROUTE, Kind
from sealift.kubernetes.objects import Object
from sealift.kubernetes.patience import Patience, patiently, pause
from sealift.kubernetes.pods import Trouble
from sealift.kubernetes.reading import part, text, title
from sealift.ports import Cluster, Progress
from sealift.record.environment import GatewaySettings

_LINES = 20

T = TypeVar("T")


class Waiter:
    """Waits for what becomes of a namespace's objects, and tells how it goes on."""

    def __init__(self, cluster: Cluster, namespace: str, progress: Progress) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._progress = progress

    def until_ready(self, deployment: Object) -> rollout.Standing:
        """Wait until the servers of a deployment are there.

        Raises ``ReleaseError`` as soon as it is sure that they will not be.
        """
        patience, told = Patience(), ""
        while True:
            standing, since = self.patiently(lambda: standing_of(self._cluster, deployment))
            if standing.told != told:
                told = standing.told
                self._progress.step(title(deployment), told)
            if standing.done:
                return standing
            if found := patience.out(standing.trouble):
                self._tell_last(found)
                raise failed(found)
            self.pause(POD, selector(deployment), since)

    def until_routed(self, route: Object, gateway: GatewaySettings) -> None:
        """Wait until the gateway took a route; raises ``ReleaseError`` where it does not."""
        patience, name = Patience(), text(route, "metadata", "name")
        while True:
            now = self.patiently(lambda: self._cluster.get(ROUTE, name, self._namespace))
            if now is None:
                raise ReleaseError("The route was removed meanwhile.", where=title(route))
            if routing.accepted(now):
                self._progress.step(title(route), "in force")
                return
            found = routing.refused(now) or self.gateway_trouble(gateway) or routing.silent(now)
            if sure := patience.out(found):
                raise failed(sure)
            labels = part(now, "metadata", "labels")
            version = text(now, "metadata", "resourceVersion")
            self.pause(ROUTE, _texts(labels), version)

    def gateway_trouble(self, gateway: GatewaySettings) -> Trouble | None:
        """What is wrong with the environment's gateway, as far as one may look at it."""
        namespace = gateway.namespace or self._namespace
        try:
            found = self._cluster.get(GATEWAY, gateway.name, namespace)
            if found is None:
                return routing.absent(gateway.name, namespace)
            known = self._cluster.get(CLASS, text(found, "spec", "gatewayClassName"), "")
        except (ForbiddenError, AwayError):
            return None
        return routing.gateway_trouble(found, known)

    def pause(self, kind: Kind, labels: Mapping[str, str], since: str) -> None:
        """Wait for a change, or for as long as one waits at most."""
        pause(self._cluster, kind, self._namespace, labels, since=since)

    def patiently(self, ask: Callable[[], T]) -> T:
        """An answer of a cluster that may be away for a while."""
        return patiently(ask, self._progress)

    def _tell_last(self, found: Trouble) -> None:
        """Say the last lines of a server that crashed."""
        if not found.crashed:
            return
        for previous in (True, False):
            try:
                said = self._cluster.logs(
                    found.crashed, self._namespace, previous=previous, lines=_LINES
                )
            except ClusterError:  # there may be none, or they may be nobody's business
                continue
            for line in said.splitlines():
                self._progress.say(f"  {line}")
            return


def standing_of(cluster: Cluster, deployment: Object) -> tuple[rollout.Standing, str]:
    """How far a deployment is now, and the version from which its pods may be watched.

    Raises ``ReleaseError`` where it is gone.
    """
    name = text(deployment, "metadata", "name")
    namespace = text(deployment, "metadata", "namespace")
    now = cluster.get(DEPLOYMENT, name, namespace)
    if now is None:
        raise ReleaseError("The deployment was removed meanwhile.", where=title(deployment))
    replicas = cluster.find(REPLICAS, namespace, selector(now))
    pods = cluster.find(POD, namespace, selector(now))
    return rollout.judge(now, replicas.items, pods.items), pods.version


def selector(deployment: Object) -> dict[str, str]:
    """The labels of a deployment's pods."""
    return _texts(part(deployment, "spec", "selector", "matchLabels"))


def _texts(labels: object) -> dict[str, str]:
    found = labels if isinstance(labels, dict) else {}
    return {str(name): str(value) for name, value in found.items()}


def failed(found: Trouble) -> ReleaseError:
    """The error for a trouble that is sure."""
    return ReleaseError(found.what, where=found.where, remedy=found.remedy)


__all__ = ["Waiter", "failed", "selector", "standing_of"]
