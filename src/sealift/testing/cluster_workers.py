"""What runs in a cluster beside its API, by a script: Deployments, their pods, and gateways.

It acts on changes alone, never by time: what a script says of a service stays so until the script
is changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from sealift import clock
from sealift.digest import of_bytes
from sealift.kubernetes.kinds import CLASS, DEPLOYMENT, GATEWAY, POD, REPLICAS, ROUTE, Kind
from sealift.kubernetes.objects import Object
from sealift.kubernetes.pods import ready
from sealift.kubernetes.reading import count, entries, part, text
from sealift.testing.cluster import ClusterState, Key
from sealift.testing.cluster_control import Controller
from sealift.types import Json

Fate: TypeAlias = Literal[
    "ready", "slow", "pull", "crash", "memory", "unschedulable", "quota", "security", "late"
]
"""What becomes of a Deployment's newest pods; ``slow`` ones are starting for good."""

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
REFUSED = {
    "quota": 'pods "x" is forbidden: exceeded quota: compute, requested: limits.cpu=1, '
    "used: limits.cpu=4, limited: limits.cpu=4",
    "security": 'pods "x" is forbidden: violates PodSecurity "restricted:latest": '
    "runAsNonRoot != true",
}


@dataclass
class Script:
    """What becomes of what: Deployments by name (``ready`` for others), and routes.

    ``lingers`` keeps pods that were told to end until it is False; ``route`` is a reason and a
    message with which gateways refuse routes.
    """

    fates: dict[str, Fate] = field(default_factory=dict)
    lingers: bool = False
    route: tuple[str, str] | None = None


class ClusterWorkers(Controller):
    """A context manager that runs controllers on a state; ``script`` may be changed under it."""

    def __init__(self, state: ClusterState, script: Script | None = None) -> None:
        super().__init__(state)
        self.script = script or Script()

    def become(self, name: str, fate: Fate) -> None:
        """Change what becomes of a Deployment, at once."""
        with self.state.changed:
            self.script.fates[name] = fate
            self.state.changed.notify_all()

    def let_go(self) -> None:
        """Let pods that were told to end be gone."""
        with self.state.changed:
            self.script.lingers = False
            self.state.changed.notify_all()

    def look(self) -> None:
        """Look after all Deployments and routes."""
        for key in list(self.state.objects):
            if key.kind == DEPLOYMENT:
                self._deployment(key)
            elif key.kind == ROUTE:
                self._route(key)

    def _deployment(self, key: Key) -> None:
        one = self.state.objects[key]
        if text(one, "metadata", "deletionTimestamp"):
            self._end(key, one)
            return
        newest = self._replicas(key, one)
        wanted = part(one, "spec", "replicas")
        total = wanted if isinstance(wanted, int) else 1
        fate = self.script.fates.get(key.name, "ready")
        if fate not in REFUSED:
            for number in range(total):
                self._pod(key, one, newest, f"{key.name}-{newest}-{number}", fate)
        pods = self._pods(one)
        own = [each for each in pods if text(each, "metadata", "labels", _HASH) == newest]
        serving = sum(map(ready, own))
        if serving >= total:
            for each in pods:
                if each not in own or _number(each) >= total:
                    self._stop(each)
        self.state.create(
            {
                **_head(one),
                "status": {
                    "observedGeneration": count(one, "metadata", "generation"),
                    "replicas": len(self._pods(one)),
                    "updatedReplicas": len(own),
                    "readyReplicas": serving,
                    "availableReplicas": serving,
                    "conditions": _conditions(fate, serving >= total),
                },
            }
        )

    def _replicas(self, key: Key, one: Object) -> str:
        """The ReplicaSet of the present template, made where it is not there; its hash."""
        digest = of_bytes(msgspec.json.encode(part(one, "spec", "template")))[7:17]
        name = f"{key.name}-{digest}"
        known = [each for each in self.state.objects if each.kind == REPLICAS]
        own = [each for each in known if each.name.startswith(f"{key.name}-")]
        place = Key(REPLICAS, key.namespace, name)
        if place not in self.state.objects:
            revision = str(len(own) + 1)
            self._made(REPLICAS, name, one, {_HASH: digest}, {_REVISION: revision}, {})
            noted: Object = {**_metadata(_head(one)), "annotations": {_REVISION: revision}}
            self.state.create({**_head(one), "metadata": noted})
        return digest

    def _made(
        self,
        kind: Kind,
        name: str,
        owner: Object,
        labels: dict[str, str],
        notes: dict[str, str],
        more: Object,
    ) -> None:
        given = part(owner, "spec", "template", "metadata", "labels")
        told: Object = {**(given if isinstance(given, dict) else {}), **labels}
        named: Json = [{"kind": "Deployment", "uid": text(owner, "metadata", "uid")}]
        metadata: Object = {
            "name": name,
            "namespace": text(owner, "metadata", "namespace"),
            "labels": told,
            "annotations": dict(notes),
            "ownerReferences": named,
        }
        self.state.create({"apiVersion": kind.api, "kind": kind.name, "metadata": metadata, **more})

    def _pod(self, key: Key, owner: Object, newest: str, name: str, fate: Fate) -> None:
        held = self.state.objects.get(Key(POD, key.namespace, name))
        if held is not None and text(held, "metadata", "deletionTimestamp"):
            return
        spec = part(owner, "spec", "template", "spec")
        image = text(entries(spec, "containers")[0], "image")
        status = _state(fate, image)
        self._made(POD, name, owner, {_HASH: newest}, {}, {"spec": spec, "status": status})

    def _pods(self, owner: Object) -> list[Object]:
        uid = text(owner, "metadata", "uid")
        return [
            one
            for key, one in self.state.objects.items()
            if key.kind == POD
            and uid in {text(each, "uid") for each in entries(one, "metadata", "ownerReferences")}
        ]

    def _stop(self, pod: Object) -> None:
        key = Key(POD, text(pod, "metadata", "namespace"), text(pod, "metadata", "name"))
        if not self.script.lingers:
            self.state.objects[key]["metadata"] = {**_metadata(pod), "finalizers": []}
            self.state.delete(key)
        elif not text(pod, "metadata", "deletionTimestamp"):
            stamp: Object = {"deletionTimestamp": clock.stamp(clock.now()), "finalizers": ["pod"]}
            self.state.create({**_head(pod), "metadata": {**_metadata(pod), **stamp}})

    def _end(self, key: Key, one: Object) -> None:
        for pod in self._pods(one):
            self._stop(pod)
        if self._pods(one):
            return
        uid = text(one, "metadata", "uid")
        for other, each in list(self.state.objects.items()):
            owners = {text(owner, "uid") for owner in entries(each, "metadata", "ownerReferences")}
            if other.kind == REPLICAS and uid in owners:
                self.state.delete(other)
        finalizers = part(one, "metadata", "finalizers")
        if isinstance(finalizers, list) and "foregroundDeletion" in finalizers:
            self.state.finalize(key, "foregroundDeletion")

    def _route(self, key: Key) -> None:
        one = self.state.objects[key]
        parents: list[Json] = [
            {"parentRef": parent, "controllerName": "test/gateway", "conditions": self._said(one)}
            for parent in entries(one, "spec", "parentRefs")
            if self._gateway(key, parent)
        ]
        self.state.create({**_head(one), "status": {"parents": parents}})

    def _gateway(self, key: Key, parent: Object) -> bool:
        """Whether there is a gateway with a class that looks at the route."""
        namespace = text(parent, "namespace") or key.namespace
        gateway = self.state.objects.get(Key(GATEWAY, namespace, text(parent, "name")))
        name = text(gateway, "spec", "gatewayClassName")
        return gateway is not None and Key(CLASS, "", name) in self.state.objects

    def _said(self, one: Object) -> Json:
        refused = self.script.route
        generation = count(one, "metadata", "generation")
        first = refused or ("Accepted", "")
        return [
            {
                "type": kind,
                "status": "False" if refused and kind == "Accepted" else "True",
                "reason": first[0] if kind == "Accepted" else "ResolvedRefs",
                "message": first[1] if kind == "Accepted" else "",
                "observedGeneration": generation,
            }
            for kind in ("Accepted", "ResolvedRefs")
        ]


def _head(one: Object) -> Object:
    """What says which object is meant."""
    return {
        "apiVersion": one["apiVersion"],
        "kind": one["kind"],
        "metadata": {
            "name": text(one, "metadata", "name"),
            "namespace": text(one, "metadata", "namespace"),
        },
    }


def _metadata(one: Object) -> Object:
    found = one["metadata"]
    assert isinstance(found, dict)
    return found


def _number(pod: Object) -> int:
    return int(text(pod, "metadata", "name").rpartition("-")[2])


def _conditions(fate: Fate, done: bool) -> Json:
    progressing = "False" if fate == "late" else "True"
    reason = "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"
    if fate == "late":
        reason = "ProgressDeadlineExceeded"
    said: list[Json] = [{"type": "Progressing", "status": progressing, "reason": reason}]
    if message := REFUSED.get(fate):
        failure: Object = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}
        said.append({**failure, "message": message})
    return said


def _state(fate: Fate, image: str) -> Object:
    """The status that a pod has with this fate."""
    if fate == "unschedulable":
        placed: Object = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        message = (
            "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: "
        )
        message += "3 Preemption is not helpful for scheduling."
        return {"phase": "Pending", "conditions": [{**placed, "message": message}]}
    container: Object = {"name": "server", "image": image, "restartCount": 0}
    if fate == "pull":
        message = f'Back-off pulling image "{image}": ErrImagePull: rpc error: code = NotFound '
        message += f'desc = failed to pull and unpack image "{image}": {image}: not found'
        container["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    elif fate in ("crash", "memory"):
        message = "back-off 10s restarting failed container=server pod=x_models(1)"
        reason = "Error" if fate == "crash" else "OOMKilled"
        ended: Object = {"exitCode": 3 if fate == "crash" else 137, "reason": reason}
        container["restartCount"] = 2
        container["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        container["lastState"] = {"terminated": ended}
    else:
        container["state"] = {"running": {}}
    status = "True" if fate == "ready" else "False"
    return {
        "phase": "Running",
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": status},
        ],
        "containerStatuses": [container],
    }


__all__ = ["REFUSED", "ClusterWorkers", "Fate", "Script"]
