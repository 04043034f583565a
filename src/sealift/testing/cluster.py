"""The objects of a cluster in memory, as its API server keeps them: versions, owners, changes."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from sealift import clock
from sealift.kubernetes.kinds import ROUTE, Kind
from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import count, entries, part, text
from sealift.testing import cluster_defaults, cluster_fields, cluster_refusals
from sealift.testing.cluster_fields import Owners
from sealift.types import Json

SERVED = {
    Kind("v1", "Pod"): "pods",
    Kind("v1", "Service"): "services",
    Kind("v1", "ConfigMap"): "configmaps",
    Kind("v1", "Secret"): "secrets",
    Kind("v1", "PersistentVolumeClaim"): "persistentvolumeclaims",
    Kind("v1", "Event"): "events",
    Kind("batch/v1", "Job"): "jobs",
    Kind("apps/v1", "Deployment"): "deployments",
    Kind("apps/v1", "ReplicaSet"): "replicasets",
    Kind("policy/v1", "PodDisruptionBudget"): "poddisruptionbudgets",
    Kind("autoscaling/v2", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    Kind("networking.k8s.io/v1", "NetworkPolicy"): "networkpolicies",
    Kind("gateway.networking.k8s.io/v1", "HTTPRoute"): "httproutes",
    Kind("gateway.networking.k8s.io/v1", "Gateway"): "gateways",
    Kind("gateway.networking.k8s.io/v1", "GatewayClass"): "gatewayclasses",
}
"""The kinds that there are, with what their paths call them."""

ALONE = {Kind("gateway.networking.k8s.io/v1", "GatewayClass")}
"""Kinds whose objects are in no namespace."""


FOREGROUND = "foregroundDeletion"
"""The finalizer of what goes after all that it owns."""


class PodLog(Protocol):
    """What a container says, line by line."""

    @property
    def ended(self) -> bool:
        """Whether it says no more."""
        ...

    def lines(self) -> list[tuple[str, bytes]]:
        """All lines so far with their times."""
        ...


class Key(NamedTuple):
    """What tells an object from all others; no namespace for a kind that is in none."""

    kind: Kind
    namespace: str
    name: str


class Event(NamedTuple):
    """A change, as watches tell it."""

    version: int
    what: str
    key: Key
    item: Object


@dataclass
class Faults:
    """How a cluster misbehaves; each is empty at first.

    ``forbidden`` has verbs and plurals such as ``("patch", "deployments")``, ``denied`` messages of
    admission by kind, ``unavailable`` statuses for the next requests, ``absent`` API versions that
    are not installed. After ``cut`` events a watch is broken off; ``finalizers`` are put on every
    new object of a kind. Logs that are followed are broken off after as many lines as ``cut_logs``
    says of each.
    """

    forbidden: set[tuple[str, str]] = field(default_factory=set)
    denied: dict[str, str] = field(default_factory=dict)
    unavailable: list[int] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    cut: int | None = None
    finalizers: dict[str, list[str]] = field(default_factory=dict)
    cut_logs: list[int] = field(default_factory=list)


class ClusterState:
    """What an API server keeps. ``changed`` is held while anything is read or written."""

    def __init__(self, *namespaces: str) -> None:
        self.namespaces = set(namespaces)
        self.faults = Faults()
        self.objects: dict[Key, Object] = {}
        self.events: list[Event] = []
        self.version = 1000
        self.oldest = 1000
        self.changed = threading.Condition(threading.RLock())
        self.logs: dict[tuple[str, str, str], PodLog] = {}
        self._owners: dict[Key, Owners] = {}

    def apply(self, key: Key, wanted: Object, manager: str, *, force: bool) -> Object:
        """Server-side apply; raises ``RefusedError``."""
        with self.changed:
            self._admit(key, wanted)
            current = self.objects.get(key)
            given = text(wanted, "metadata", "resourceVersion")
            if given and (current is None or text(current, "metadata", "resourceVersion") != given):
                raise cluster_refusals.stale(self.resource(key.kind), key.name)
            owners = self._owners.get(key, {})
            fields = cluster_fields.leaves(wanted)
            base = current or self._born(key)
            found = cluster_fields.conflicts(base, fields, owners, manager)
            if found and not force:
                raise cluster_refusals.owned(found, key.kind.api)
            made, after = cluster_fields.applied(base, fields, owners, manager)
            self._owners[key] = after
            if key.kind == ROUTE:
                cluster_defaults.fill(made)
            empty = [path for path, value in fields.items() if value == [] and _own(key.kind)]
            for path in empty:  # it is not kept, and so is news each time
                cluster_fields.drop(made, path)
            if empty and current is not None:
                metadata = made["metadata"]
                assert isinstance(metadata, dict)
                metadata["generation"] = count(made, "metadata", "generation") + 1
            return self._keep(key, made)

    def edit(self, key: Key, path: tuple[str, ...], value: Json, manager: str) -> None:
        """Set a field as somebody else; it is theirs then."""
        with self.changed:
            made = copy.deepcopy(self.objects[key])
            cluster_fields.put(made, path, value)
            owners = self._owners.setdefault(key, {})
            for paths in owners.values():
                paths.discard(path)
            owners.setdefault(manager, set()).add(path)
            self._keep(key, made)

    def create(self, one: Object) -> Object:
        """Put an object there as a controller does, or change it; nobody owns its fields."""
        key = Key(
            Kind(str(one["apiVersion"]), str(one["kind"])),
            text(one, "metadata", "namespace"),
            text(one, "metadata", "name"),
        )
        with self.changed:
            base = self.objects.get(key) or self._born(key)
            made = {**copy.deepcopy(base), **copy.deepcopy(one)}
            born, new = base["metadata"], one["metadata"]
            assert isinstance(born, dict)
            assert isinstance(new, dict)
            made["metadata"] = {**born, **new}
            return self._keep(key, made)

    def delete(self, key: Key, *, uid: str = "", foreground: bool = False) -> None:
        """Remove an object; one with finalizers is only marked. Raises ``RefusedError``."""
        with self.changed:
            current = self.objects.get(key)
            if current is None:
                raise cluster_refusals.missing(self.resource(key.kind), key.name)
            if uid and text(current, "metadata", "uid") != uid:
                raise cluster_refusals.stale(self.resource(key.kind), key.name)
            made = copy.deepcopy(current)
            metadata = made["metadata"]
            assert isinstance(metadata, dict)
            held = metadata.get("finalizers")
            finalizers: list[Json] = list(held) if isinstance(held, list) else []
            if foreground and FOREGROUND not in finalizers:
                finalizers.append(FOREGROUND)
            if not finalizers:
                self._remove(key)
                return
            if "deletionTimestamp" not in metadata:
                metadata["finalizers"] = finalizers
                metadata["deletionTimestamp"] = clock.stamp(clock.now())
                self._keep(key, made)
                self._collect(text(made, "metadata", "uid"))

    def finalize(self, key: Key, finalizer: str) -> None:
        """Take a finalizer away; an object that was only marked goes with its last one."""
        with self.changed:
            if key not in self.objects:
                return
            made = copy.deepcopy(self.objects[key])
            metadata = made["metadata"]
            assert isinstance(metadata, dict)
            held = metadata.get("finalizers")
            metadata["finalizers"] = [one for one in held or [] if one != finalizer]  # type: ignore[union-attr]
            self._keep(key, made)

    def forget(self) -> None:
        """Remember no change from before now: watches from there are expired."""
        with self.changed:
            self.oldest = self.version
            self.events.clear()
            self.changed.notify_all()

    def find(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """The objects of a kind with these labels, in the order of their names."""
        with self.changed:
            return [
                copy.deepcopy(one)
                for key, one in sorted(self.objects.items(), key=lambda pair: pair[0].name)
                if key.kind == kind and namespace in ("", key.namespace) and bears(one, labels)
            ]

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Inside, nobody else changes anything."""
        with self.changed:
            yield

    def resource(self, kind: Kind) -> str:
        """A kind as messages name it."""
        return cluster_refusals.of(SERVED[kind], kind)

    def _admit(self, key: Key, wanted: Object) -> None:
        if key.kind not in ALONE and key.namespace not in self.namespaces:
            raise cluster_refusals.missing("namespaces", key.namespace)
        if message := self.faults.denied.get(key.kind.name):
            raise cluster_refusals.RefusedError(403, "Forbidden", message)
        data = part(wanted, "data") if key.kind.name == "ConfigMap" else None
        for name, value in (data if isinstance(data, dict) else {}).items():
            if not isinstance(value, str):
                raise cluster_refusals.invalid(key.kind, key.name, f"data[{name}]", "no string")
        replicas = part(wanted, "spec", "replicas")
        if isinstance(replicas, int) and replicas < 0:
            told = "must be greater than or equal to 0"
            raise cluster_refusals.invalid(key.kind, key.name, "spec.replicas", told)

    def _born(self, key: Key) -> Object:
        now = clock.stamp(clock.now())
        metadata: Object = {"name": key.name, "uid": clock.token(32), "generation": 0}
        metadata["creationTimestamp"] = now
        if key.namespace:
            metadata["namespace"] = key.namespace
        if finalizers := self.faults.finalizers.get(key.kind.name):
            metadata["finalizers"] = list(finalizers)
        return {"apiVersion": key.kind.api, "kind": key.kind.name, "metadata": metadata}

    def _keep(self, key: Key, made: Object) -> Object:
        """Save an object as it is now; one that did not change keeps its version."""
        before = self.objects.get(key)
        metadata = made["metadata"]
        assert isinstance(metadata, dict)
        metadata["managedFields"] = cluster_fields.written(self._owners.get(key, {}), key.kind.api)
        if before == made:
            return copy.deepcopy(before)
        if before is None or before.get("spec") != made.get("spec"):
            metadata["generation"] = count(made, "metadata", "generation") + 1
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            self._remove(key)
            return made
        self._tell("ADDED" if before is None else "MODIFIED", key, made)
        self.objects[key] = made
        return copy.deepcopy(made)

    def _remove(self, key: Key) -> None:
        gone = self.objects.pop(key)
        self._owners.pop(key, None)
        self._tell("DELETED", key, copy.deepcopy(gone))
        for owner in entries(gone, "metadata", "ownerReferences"):
            self._collect(text(owner, "uid"))

    def _collect(self, uid: str) -> None:
        """Let an object go that waits for those it owns, once there are none any more."""
        if any(_owned(one, uid) for one in self.objects.values()):
            return
        for key, one in list(self.objects.items()):
            held = part(one, "metadata", "finalizers")
            going = text(one, "metadata", "deletionTimestamp")
            mine = text(one, "metadata", "uid") == uid
            if mine and going and isinstance(held, list) and FOREGROUND in held:
                self.finalize(key, FOREGROUND)

    def _tell(self, what: str, key: Key, item: Object) -> None:
        self.version += 1
        metadata = item["metadata"]
        assert isinstance(metadata, dict)
        metadata["resourceVersion"] = str(self.version)
        self.events.append(Event(self.version, what, key, copy.deepcopy(item)))
        self.changed.notify_all()


def _own(kind: Kind) -> bool:
    """Whether a kind is the cluster's own, and no definition that was installed."""
    return kind.group.count(".") < 2 or kind.group == "networking.k8s.io"


def _owned(one: Object, uid: str) -> bool:
    return uid in {text(each, "uid") for each in entries(one, "metadata", "ownerReferences")}


def bears(one: Object, labels: Mapping[str, str]) -> bool:
    """Whether an object has all these labels."""
    return all(text(one, "metadata", "labels", name) == value for name, value in labels.items())


__all__ = ["ALONE", "SERVED", "ClusterState", "Event", "Faults", "Key", "bears"]
