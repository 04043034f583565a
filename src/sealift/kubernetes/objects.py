"""What every object has: kind, name, namespace and the labels that find it again."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from sealift.record.environment import EnvironmentSettings
from sealift.record.launch import Launch
from sealift.types import Digest, Json

Object: TypeAlias = dict[str, Json]
"""One object, as JSON or YAML holds it."""

MANAGER = "sealift"
"""The manager of fields, and of the objects as a whole."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model that serves in an environment.

    ``image`` is the full reference, by digest, that the cluster pulls, ``digest`` what the server
    calls itself by. ``platforms`` are those that there are images for, such as ``linux/amd64``;
    ``accelerator`` is cpu or cuda. ``own`` says whether the server is Sealift's.
    """

    service: str
    version: int
    image: str
    digest: Digest
    platforms: tuple[str, ...]
    accelerator: str
    launch: Launch
    own: bool

    @property
    def name(self) -> str:
        """What its objects are called."""
        return f"{self.service}-v{self.version}"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An environment by its name."""

    name: str
    settings: EnvironmentSettings


def made(kind: str, api: str, name: str, place: Place, labels: dict[str, str]) -> Object:
    """An object without a specification yet."""
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": place.settings.namespace,
            "labels": {**place.settings.labels, **labels},
        },
    }


def service_labels(service: str) -> dict[str, str]:
    """The labels of all that belongs to a service."""
    return {
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/component": "model-server",
        "app.kubernetes.io/managed-by": MANAGER,
    }


def ours(one: Object) -> bool:
    """Whether an object bears the label of what Sealift makes, whoever applied it.

    >>> ours({"metadata": {"labels": {"app": "web"}}})
    False
    """
    metadata = one.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    named = labels.get("app.kubernetes.io/managed-by") if isinstance(labels, dict) else None
    return named == MANAGER


def step_labels(project: str) -> dict[str, str]:
    """The labels of all that belongs to the steps of a project."""
    return {
        "app.kubernetes.io/name": project,
        "app.kubernetes.io/component": "step",
        "app.kubernetes.io/managed-by": MANAGER,
    }


def version_labels(served: Served) -> dict[str, str]:
    """The labels of all that belongs to a version."""
    return {
        **service_labels(served.service),
        "app.kubernetes.io/version": str(served.version),
        "sealift.version": str(served.version),
    }


def selector(served: Served) -> dict[str, str]:
    """The labels that tell the servers of a version from all else; they never change."""
    return {"app.kubernetes.io/name": served.service, "sealift.version": str(served.version)}


__all__ = [
    "MANAGER",
    "Object",
    "Place",
    "Served",
    "made",
    "ours",
    "selector",
    "service_labels",
    "step_labels",
    "version_labels",
]
