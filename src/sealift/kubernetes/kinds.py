"""Kinds of objects, what a cluster answers about them, and how a watch tells of changes."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.kubernetes.objects import Object


class Kind(msgspec.Struct, frozen=True):
    """A kind of objects: its API group and version, and its name."""

    api: str
    name: str

    @property
    def group(self) -> str:
        """The API group, empty for the core.

        >>> Kind("apps/v1", "Deployment").group, Kind("v1", "Service").group
        ('apps', '')
        """
        return self.api.rpartition("/")[0]


class Listing(msgspec.Struct, frozen=True):
    """Objects as they were at a version, from which a watch may go on."""

    items: tuple[Object, ...]
    version: str


class Change(msgspec.Struct, frozen=True):
    """What a watch tells.

    A bookmark has no news but its version. ``expired`` is the last that a watch tells when the
    cluster remembers no changes from so long ago: list again.
    """

    what: Literal["added", "modified", "deleted", "bookmark", "expired"]
    item: Object
    version: str


DEPLOYMENT = Kind("apps/v1", "Deployment")
REPLICAS = Kind("apps/v1", "ReplicaSet")
POD = Kind("v1", "Pod")
SERVICE = Kind("v1", "Service")
BUDGET = Kind("policy/v1", "PodDisruptionBudget")
SCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler")
JOB = Kind("batch/v1", "Job")
CLAIM = Kind("v1", "PersistentVolumeClaim")
SECRET = Kind("v1", "Secret")
EVENT = Kind("v1", "Event")
POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy")
ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute")
GATEWAY = Kind("gateway.networking.k8s.io/v1", "Gateway")
CLASS = Kind("gateway.networking.k8s.io/v1", "GatewayClass")

MADE = (ROUTE, SCALER, BUDGET, DEPLOYMENT, SERVICE, POLICY, SECRET)
"""What is made of a service, in the order in which it is taken away: requests end first."""

WORK = (JOB, POLICY, SECRET, CLAIM)
"""What is made of a step, in the order in which it is taken away."""


def kind_of(one: Object) -> Kind:
    """The kind of an object."""
    return Kind(str(one["apiVersion"]), str(one["kind"]))


__all__ = [
    "BUDGET",
    "CLAIM",
    "CLASS",
    "DEPLOYMENT",
    "EVENT",
    "GATEWAY",
    "JOB",
    "MADE",
    "POD",
    "POLICY",
    "REPLICAS",
    "ROUTE",
    "SCALER",
    "SECRET",
    "SERVICE",
    "WORK",
    "Change",
    "Kind",
    "Listing",
    "kind_of",
]
