"""A server in a pod: its container, what it may do, and when it counts as ready.

The pod keeps to the restricted Pod Security Standard, and has no token of a service account.
"""

from __future__ import annotations

import math

from sealift.kubernetes import restricted
from sealift.kubernetes.objects import Object, Place, Served, selector, version_labels
from sealift.kubernetes.records import WORD, reader_name
from sealift.record.environment import EnvironmentSettings
from sealift.record.launch import filled
from sealift.types import Json

HTTP, GRPC = 8080, 8081
EVERYWHERE = "0.0.0.0"

DRAIN = 10
"""Seconds that a server goes on answering after it was told to end: until every gateway knows."""

FINISH = 30
"""Seconds that it gets for what it is answering then."""

_ARCHITECTURE = "kubernetes.io/arch"
_RECORDS = "records"


def template(served: Served, place: Place) -> Object:
    """The template of the pods of a version."""
    settings = place.settings
    spec: Object = {
        **restricted.pod(),
        "terminationGracePeriodSeconds": DRAIN + FINISH + 5,
        "affinity": {"nodeAffinity": _nodes(served)},
        "topologySpreadConstraints": [
            _spread(served, "topology.kubernetes.io/zone"),
            _spread(served, "kubernetes.io/hostname"),
        ],
        "containers": [_container(served, settings)],
        "volumes": _volumes(served),
    }
    if settings.pull_secret:
        spec["imagePullSecrets"] = [{"name": settings.pull_secret}]
    if served.accelerator == "cuda":
        spec["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    labels: Json = {**settings.labels, **version_labels(served)}
    return {"metadata": {"labels": labels}, "spec": spec}


def _container(served: Served, settings: EnvironmentSettings) -> Object:
    launch = filled(
        served.launch, port=HTTP, image=served.digest, spare=lambda: GRPC, host=EVERYWHERE
    )
    env = dict(launch.env)
    if served.own:
        env |= {
            "SEALIFT_GRPC_PORT": str(GRPC),
            "SEALIFT_DRAIN": str(DRAIN),
            "SEALIFT_GRACE": str(FINISH),
        }
    container: Object = {
        "name": "server",
        "image": served.image,
        "command": list(launch.argv),
        "workingDir": launch.workdir,
        "env": [*_named(env), *_reader(served)],
        "ports": _ports(served),
        "resources": _resources(served, settings),
        "securityContext": restricted.container(),
        "startupProbe": {
            **_asked(launch.ready),
            "periodSeconds": 1,
            "failureThreshold": max(1, math.ceil(launch.budget)),
        },
        "readinessProbe": {**_asked(launch.ready), "periodSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {**_asked(launch.live), "periodSeconds": 10, "failureThreshold": 6},
        "volumeMounts": [
            {"name": volume["name"], "mountPath": path} for volume, path in _writable(served)
        ],
    }
    if not served.own:
        # others end at once when they are told to: requests that are on their way still come
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": DRAIN}}}
    return container


def _named(env: dict[str, str]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in sorted(env.items())]


def _reader(served: Served) -> list[Json]:
    """The word for which the server hands its prediction log out, where there is one."""
    if not served.own or not served.launch.records:
        return []
    named: Object = {"name": reader_name(served.service), "key": WORD, "optional": True}
    return [{"name": "SEALIFT_READER", "valueFrom": {"secretKeyRef": named}}]


def _ports(served: Served) -> list[Json]:
    ports: list[Json] = [{"name": "http", "containerPort": HTTP}]
    return [*ports, {"name": "grpc", "containerPort": GRPC}] if served.own else ports


def _resources(served: Served, settings: EnvironmentSettings) -> Object:
    """Cores are a limit too: a server makes a worker for each core that it may use."""
    memory = settings.memory.removesuffix("B")
    amounts: Object = {"cpu": f"{round(settings.cpus * 1000)}m", "memory": memory}
    if served.accelerator == "cuda":
        amounts["nvidia.com/gpu"] = 1
    return {"requests": dict(amounts), "limits": amounts}


def _asked(path: str) -> Object:
    return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 5}


def _nodes(served: Served) -> Object:
    """Nodes whose processor there is an image for."""
    architectures: list[Json] = [*sorted({one.split("/")[1] for one in served.platforms})]
    wanted: Object = {"key": _ARCHITECTURE, "operator": "In", "values": architectures}
    term: Object = {"matchExpressions": [wanted]}
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]},
    }


def _spread(served: Served, over: str) -> Object:
    labels: Json = dict(selector(served))
    return {
        "maxSkew": 1,
        "topologyKey": over,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }


def _writable(served: Served) -> list[tuple[Object, str]]:
    """Volumes that are empty at first and gone with the pod, and where they are."""
    scratch: Object = {"sizeLimit": "1Gi"}
    volumes: list[tuple[Object, str]] = [({"name": "tmp", "emptyDir": scratch}, "/tmp")]  # noqa: S108
    if served.launch.records:
        # 64 files of 8 MiB are kept, and one is being written
        records: Object = {"name": _RECORDS, "emptyDir": {"sizeLimit": "640Mi"}}
        volumes.append((records, served.launch.records))
    for number, path in enumerate(served.launch.scratch):
        volumes.append(({"name": f"scratch-{number}", "emptyDir": scratch}, path))
    return volumes


def _volumes(served: Served) -> list[Json]:
    return [volume for volume, _ in _writable(served)]


__all__ = ["DRAIN", "FINISH", "GRPC", "HTTP", "template"]
