"""A real cluster as its administrator has it: pods removed, nodes drained, what is left counted."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from sealift.adapters.clusters.kubernetes import KubernetesCluster
from sealift.adapters.clusters.login import login
from sealift.adapters.clusters.transport import client
from sealift.kubernetes.kinds import JOB, MADE, POD, SERVICE, WORK, Kind
from sealift.kubernetes.pods import ending
from sealift.kubernetes.reading import condition, entries, part, text
from sealift.network.network import Network

NODE = Kind("v1", "Node")
PATIENCE = 180.0
_MERGED = {"Content-Type": "application/merge-patch+json"}
_BUSY = 429  # the eviction would break a PodDisruptionBudget


def until(true: Callable[[], object], what: str, told: Callable[[], object] = str) -> None:
    """Look again until something is true; else say ``what`` is not, and what ``told`` gives."""
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends, f"not within {PATIENCE:.0f} s: {what}; {told()}"
        time.sleep(0.1)


class RealCluster:
    """The cluster of KUBECONFIG; ``with`` closes its connections."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.cluster = KubernetesCluster("", Network(), "sealift-tests")
        self._client = client(login("", os.environ))

    def __enter__(self) -> "RealCluster":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self.cluster.__exit__()

    def pods(self, **labels: str):
        """The pods with these labels (``_`` stands for ``/``) that are not ending."""
        wanted = {name.replace("_", "/"): value for name, value in labels.items()}
        found = self.cluster.find(POD, self.namespace, wanted).items
        return [one for one in found if not ending(one)]

    def servers(self, project: str, version: int):
        """The pods of a version that are ready."""
        labels = {"app.kubernetes.io/name": project, "sealift.version": str(version)}
        found = self.cluster.find(POD, self.namespace, labels).items
        ready = [one for one in found if condition(one, "Ready").get("status") == "True"]
        return [one for one in ready if not ending(one)]

    def job(self, project: str):
        """The Job of a project's one step; None where there is none that stays."""
        labels = {"app.kubernetes.io/name": project, "app.kubernetes.io/component": "step"}
        found = [
            one
            for one in self.cluster.find(JOB, self.namespace, labels).items
            if not text(one, "metadata", "deletionTimestamp")
            and not text(one, "metadata", "name").endswith("-out")
        ]
        return found[0] if found else None

    def kill(self, pod) -> None:
        """Remove a pod at once: its program gets SIGKILL."""
        name = text(pod, "metadata", "name")
        answer = self._client.request(
            "DELETE", f"/api/v1/namespaces/{self.namespace}/pods/{name}?gracePeriodSeconds=0"
        )
        assert answer.is_success, answer.text

    @contextmanager
    def cordoned(self, node: str) -> Iterator[None]:
        """A node that gets no new pods while the context is open."""
        self._schedulable(node, unschedulable=True)
        try:
            yield
        finally:
            self._schedulable(node, unschedulable=None)

    def drain(self, node: str, project: str) -> list[str]:
        """Evict what a project has on a node, as budgets allow, and wait until it is gone."""
        labels = {"app.kubernetes.io/name": project}
        found = self.cluster.find(POD, self.namespace, labels).items
        evicted = []
        for one in found:
            if part(one, "spec", "nodeName") == node:
                name = text(one, "metadata", "name")
                until(lambda name=name: self._evicted(name), f"{name} may be evicted")
                evicted.append(name)
        until(lambda: not self._there(evicted), f"{evicted} are gone")
        return evicted

    def restart(self, deployment: str) -> None:
        """Replace all servers of a deployment, as `kubectl rollout restart` does."""
        stamped = {"kubectl.kubernetes.io/restartedAt": str(time.time())}
        template = {"metadata": {"annotations": stamped}}
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{deployment}"
        self._patch(path, {"spec": {"template": template}})

    def remove(self, deployment: str) -> None:
        """Delete a deployment as `kubectl delete` does: its pods end after it."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{deployment}"
        answer = self._client.request("DELETE", f"{path}?propagationPolicy=Background")
        assert answer.is_success, answer.text

    def left(self, project: str) -> list[str]:
        """What there is of a project in the namespace."""
        labels = {"app.kubernetes.io/name": project}
        return sorted(
            f"{kind.name} {text(one, 'metadata', 'name')}"
            for kind in {*MADE, *WORK, POD}
            for one in self.cluster.find(kind, self.namespace, labels).items
        )

    def clean(self, project: str) -> None:
        """Remove everything of a project, whoever made it."""
        labels = {"app.kubernetes.io/name": project}
        for kind in (*MADE, *WORK, POD):
            for one in self.cluster.find(kind, self.namespace, labels).items:
                self.cluster.delete(one)
        until(lambda: not self.left(project), f"{project} is gone")

    def stranger(self, name: str, labels: dict[str, str]):
        """A Service that somebody else made, with labels as Sealift's."""
        return self.cluster.apply(
            {
                "apiVersion": SERVICE.api,
                "kind": SERVICE.name,
                "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
                "spec": {"ports": [{"port": 80, "protocol": "TCP"}], "selector": {"a": "b"}},
            }
        )

    def nodes(self) -> list[str]:
        """The nodes that take pods."""
        found = self.cluster.find(NODE, "", {}).items
        return [
            text(one, "metadata", "name")
            for one in found
            if not part(one, "spec", "unschedulable")
            and not [taint for taint in entries(one, "spec", "taints") if taint.get("effect")]
        ]

    def _evicted(self, pod: str) -> bool:
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        wanted = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": self.namespace},
        }
        answer = self._client.post(path, json=wanted)
        assert answer.is_success or answer.status_code == _BUSY, answer.text
        return answer.is_success

    def _there(self, names: list[str]) -> list[str]:
        return [one for one in names if self.cluster.get(POD, one, self.namespace)]

    def _schedulable(self, node: str, *, unschedulable: bool | None) -> None:
        self._patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": unschedulable}})

    def _patch(self, path: str, body) -> None:
        content = msgspec.json.encode(body)
        answer = self._client.patch(path, content=content, headers=_MERGED)
        assert answer.is_success, answer.text
