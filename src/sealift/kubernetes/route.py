"""How requests are spread over versions: a route of Gateway API, each rule written whole.

Weights are parts of 1000, as in Sealift's own routes. gRPC has a rule of the same route: a route
of the kind GRPCRoute may not share its host names with this one.
Source: Gateway API v1, HTTPRoute; GEP-1911 for the protocol of a backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sealift.kubernetes.objects import Object, Place, made, service_labels
from sealift.kubernetes.pod import GRPC, HTTP
from sealift.record.environment import GatewaySettings
from sealift.types import Json

GROUP = "gateway.networking.k8s.io"
API = f"{GROUP}/v1"
CALLS = "/inference.GRPCInferenceService/"
"""What the path of every call of the protocol begins with."""

GENERATION = "X-Sealift-Generation"


class Behind(Protocol):
    """What the route has to know of a version: its address, and whether the server is Sealift's."""

    @property
    def name(self) -> str:
        """What its objects are called."""
        ...

    @property
    def own(self) -> bool:
        """Whether the server is Sealift's, which speaks gRPC as well."""
        ...


def route(
    service: str,
    shares: Sequence[tuple[Behind, int]],
    gateway: GatewaySettings,
    place: Place,
    generation: int,
    *,
    echo: bool = False,
) -> Object:
    """The route of a service; gRPC is in it where every version speaks it.

    ``shares`` are its versions with their weights (none: nobody answers), ``generation`` the number
    of this division, which answers carry as well with ``echo``.
    """
    # what a cluster would fill in is written out: lists are compared whole, and who applies the
    # same without it would be refused
    parent: Object = {"group": GROUP, "kind": "Gateway", "name": gateway.name}
    if gateway.namespace:
        parent["namespace"] = gateway.namespace
    rules: list[Json] = [_rule(shares, HTTP, "/", generation, echo)]
    if shares and all(served.own for served, _ in shares):
        rules.insert(0, _rule(shares, GRPC, CALLS, generation, echo))
    spec: Object = {"parentRefs": [parent], "rules": rules}
    if gateway.hosts:
        hosts: list[Json] = list(gateway.hosts)
        spec["hostnames"] = hosts
    return {**made("HTTPRoute", API, service, place, service_labels(service)), "spec": spec}


def _rule(
    shares: Sequence[tuple[Behind, int]], port: int, below: str, generation: int, echo: bool
) -> Object:
    # a prediction's record says which division of the traffic it came under
    header: Object = {"name": GENERATION, "value": str(generation)}
    changed: Object = {"set": [header]}
    filters: list[Json] = [{"type": "RequestHeaderModifier", "requestHeaderModifier": changed}]
    if echo:
        said: Object = {"set": [dict(header)]}
        filters.append({"type": "ResponseHeaderModifier", "responseHeaderModifier": said})
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": below.rstrip("/") or "/"}}],
        "filters": filters,
        "backendRefs": [
            {"group": "", "kind": "Service", "name": served.name, "port": port, "weight": weight}
            for served, weight in shares
        ],
    }


__all__ = ["API", "CALLS", "GENERATION", "Behind", "route"]
