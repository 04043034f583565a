"""Whether a route is in force, and why not: from its status, the Gateway and the GatewayClass.

A route that no controller looks at gets no status at all: then the Gateway tells why.
Source: Gateway API v1, RouteParentStatus, GatewayStatus, GatewayClassStatus.
"""

from __future__ import annotations

from typing import NamedTuple

from sealift.kubernetes.objects import Object
from sealift.kubernetes.pods import Trouble
from sealift.kubernetes.reading import condition, count, entries, part, text
from sealift.kubernetes.route import GENERATION

_GATEWAY = "gateway of the environment"
SLOW = 30.0
"""Seconds that a controller may take before it has said anything about a route."""


def accepted(route: Object) -> bool:
    """Whether every gateway that a route names took this generation of it, with its servers."""
    return not _open(route) and refused(route) is None


def _open(route: Object) -> bool:
    """Whether a gateway has still to say something."""
    said = entries(route, "status", "parents")
    return len(said) < len(entries(route, "spec", "parentRefs")) or any(
        not _fresh(route, _one(parent, kind)) for parent in said for kind in _KINDS
    )


_KINDS = ("Accepted", "ResolvedRefs")


def refused(route: Object) -> Trouble | None:
    """What a gateway has against a route; None where it has nothing, or said nothing yet."""
    for parent in entries(route, "status", "parents"):
        for kind in _KINDS:
            one = _one(parent, kind)
            if one.get("status") == "False" and _fresh(route, one):
                return Trouble(
                    what=f"The gateway does not take the route ({text(one, 'reason')}): "
                    f"{text(one, 'message') or 'it says no more'}",
                    where=f"httproute {text(route, 'metadata', 'name')}",
                    remedy=_REMEDIES.get(
                        text(one, "reason"), "Change the gateway, or the environment's settings."
                    ),
                    # the servers' Service may be news to the gateway
                    patience=0.0 if kind == "Accepted" else 5.0,
                )
    return None


_REMEDIES = {
    "NotAllowedByListeners": "Let the Gateway's listeners allow routes of this namespace "
    "(allowedRoutes).",
    "NoMatchingListenerHostname": "Name hosts in the environment's gateway that a listener has.",
    "NoMatchingParent": "Name a Gateway with a listener for it in the environment's gateway.",
    "BackendNotFound": "Run the release again: the Service of a version is gone.",
    "RefNotPermitted": "Add a ReferenceGrant, or keep the service in the gateway's namespace.",
}


def absent(name: str, namespace: str) -> Trouble:
    """There is no Gateway of that name."""
    return Trouble(
        what=f"There is no Gateway {name!r} in the namespace {namespace!r}.",
        where=_GATEWAY,
        remedy="Make it, or name another one; `kubectl get gateways -A` lists them.",
    )


def gateway_trouble(gateway: Object, known: Object | None) -> Trouble | None:
    """What is wrong with a Gateway; ``known`` is its GatewayClass, None where there is none."""
    name = text(gateway, "metadata", "name")
    wanted = text(gateway, "spec", "gatewayClassName")
    if known is None:
        return Trouble(
            what=f"There is no GatewayClass {wanted!r}, which the Gateway {name!r} names.",
            where=_GATEWAY,
            remedy="Install the controller that brings it, or let the Gateway name another one.",
        )
    for what, one in ((f"GatewayClass {wanted!r}", known), (f"Gateway {name!r}", gateway)):
        said = condition(one, "Accepted")
        if said.get("status") == "False" or text(said, "reason") == "Pending":
            return Trouble(
                what=f"The {what} is not taken by any controller ({text(said, 'reason')}): "
                f"{text(said, 'message') or 'it says no more'}",
                where=_GATEWAY,
                remedy="See that the gateway's controller runs.",
                patience=5.0,
            )
    return None


def silent(route: Object) -> Trouble:
    """No controller says anything about a route."""
    return Trouble(
        what="The gateway's controller says nothing about the route.",
        where=f"httproute {text(route, 'metadata', 'name')}",
        remedy="See that the gateway's controller runs.",
        patience=SLOW,
    )


def weights(route: Object) -> dict[str, int]:
    """The servers that a route sends plain requests to, with their weights."""
    rules = entries(route, "spec", "rules")
    if not rules:
        return {}
    found = {}
    for one in entries(rules[-1], "backendRefs"):
        weight = part(one, "weight")
        found[text(one, "name")] = weight if isinstance(weight, int) else 1
    return found


class Division(NamedTuple):
    """How a route divides requests: the number of the division, and servers with their weights."""

    generation: int
    weights: tuple[tuple[str, int], ...]


def division(route: Object) -> Division:
    """How a route divides plain requests; number 0 where it carries none."""
    found = 0
    for rule in entries(route, "spec", "rules")[-1:]:
        for one in entries(rule, "filters"):
            for header in entries(one, "requestHeaderModifier", "set"):
                value = text(header, "value")
                if text(header, "name") == GENERATION and value.isdecimal():
                    found = int(value)
    return Division(found, tuple(sorted(weights(route).items())))


def _one(parent: Object, kind: str) -> Object:
    found = [one for one in entries(parent, "conditions") if one.get("type") == kind]
    return found[0] if found else {}


def _fresh(route: Object, one: Object) -> bool:
    """Whether a condition speaks of this generation of the route."""
    seen = part(one, "observedGeneration")  # a controller may leave it out
    newest = count(route, "metadata", "generation")
    return bool(one) and (not isinstance(seen, int) or seen >= newest)


__all__ = [
    "SLOW",
    "Division",
    "absent",
    "accepted",
    "division",
    "gateway_trouble",
    "refused",
    "silent",
    "weights",
]
