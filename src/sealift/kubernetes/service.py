"""A version in service: its servers, their address, and what keeps enough of them there."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.kubernetes.objects import Object, Place, Served, made, selector, version_labels
from sealift.kubernetes.pod import GRPC, HTTP, template
from sealift.types import Json

BUSY = 70
"""Percent of their cores that servers use on the average before there are more of them."""

CALM = 300
"""Seconds of less load before there are fewer."""


def objects(served: Served, place: Place) -> Iterator[Object]:
    """Everything of one version but the route that leads to it."""
    yield _deployment(served, place)
    yield _service(served, place)
    yield _budget(served, place)
    if _elastic(place):
        yield _autoscaler(served, place)
    yield _policy(served, place)


def _elastic(place: Place) -> bool:
    return place.settings.most > place.settings.replicas


def _deployment(served: Served, place: Place) -> Object:
    deployment = made("Deployment", "apps/v1", served.name, place, version_labels(served))
    spec: Object = {
        "selector": {"matchLabels": _labels(served)},
        "revisionHistoryLimit": 2,
        "progressDeadlineSeconds": 600,
        # a server that is ready takes over before another one ends
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        },
        "template": template(served, place),
    }
    if not _elastic(place):
        # else the autoscaler's number would be overwritten each time this is applied
        spec["replicas"] = place.settings.replicas
    return {**deployment, "spec": spec}


def _service(served: Served, place: Place) -> Object:
    ports: list[Json] = [_port("http", HTTP, "http")]
    if served.own:
        ports.append(_port("grpc", GRPC, "kubernetes.io/h2c"))
    service = made("Service", "v1", served.name, place, version_labels(served))
    spec: Object = {"type": "ClusterIP", "selector": _labels(served), "ports": ports}
    return {**service, "spec": spec}


def _port(name: str, number: int, protocol: str) -> Object:
    return {"name": name, "port": number, "targetPort": name, "appProtocol": protocol}


def _budget(served: Served, place: Place) -> Object:
    budget = made("PodDisruptionBudget", "policy/v1", served.name, place, version_labels(served))
    spec: Object = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": _labels(served)},
        # one that never became ready must not keep a node from being drained
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return {**budget, "spec": spec}


def _autoscaler(served: Served, place: Place) -> Object:
    scaler = made(
        "HorizontalPodAutoscaler", "autoscaling/v2", served.name, place, version_labels(served)
    )
    busy: Object = {"type": "Utilization", "averageUtilization": BUSY}
    spec: Object = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": served.name},
        "minReplicas": place.settings.replicas,
        "maxReplicas": place.settings.most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": busy}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM}},
    }
    return {**scaler, "spec": spec}


def _policy(served: Served, place: Place) -> Object:
    """Requests may come in on the server's ports; nothing goes out, not even to look up a name."""
    policy = made(
        "NetworkPolicy", "networking.k8s.io/v1", served.name, place, version_labels(served)
    )
    ports: list[Json] = [{"protocol": "TCP", "port": "http"}]
    if served.own:
        ports.append({"protocol": "TCP", "port": "grpc"})
    spec: Object = {
        "podSelector": {"matchLabels": _labels(served)},
        "policyTypes": ["Ingress", "Egress"],
        # no list for egress: an empty one would count as a change each time this is applied
        "ingress": [{"ports": ports}],
    }
    return {**policy, "spec": spec}


def _labels(served: Served) -> Json:
    return dict(selector(served))


__all__ = ["objects"]
