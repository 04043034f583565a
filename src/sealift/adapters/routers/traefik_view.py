"""What a Traefik process shows of itself: whether it answers, and which route it follows."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from sealift.adapters.routers import traefik_config as config
from sealift.adapters.routers.traefik_process import Running
from sealift.loopback import Answer, get
from sealift.record.route import Route


def answers(one: Running) -> bool:
    """Whether this process answers, at its own port."""
    return _get(one.internal, "/ping") is not None


def routes(one: Running) -> bool:
    """Whether this process has a route in force, be it one that leads nowhere."""
    return _get(one.internal, config.PROBE) is not None


def served(port: int) -> bool:
    """Whether requests to the service's port reach a router."""
    return _get(port, config.PROBE) is not None


def followed(port: int, route: Route) -> bool:
    """Whether requests to a port follow the route."""
    probe = _get(port, config.PROBE)
    mark = "" if probe is None else probe.headers.get(config.FINGERPRINT.lower(), "")
    return mark == config.fingerprint(route)


def in_force(one: Running, route: Route) -> bool:
    """Whether this process shows the route, enabled and with these weights, and follows it."""
    name = config.router_name(route.service, route.generation)
    if _shown(one, f"routers/{name}").status != "enabled":
        return False
    if wanted := config.weights(route):
        split = _shown(one, f"services/{route.service}-split")
        children = {child.name.removesuffix("@file"): child.weight for child in split.children}
        if split.status != "enabled" or children != wanted:
            return False
    return followed(one.internal, route)


class _Child(msgspec.Struct, frozen=True):
    name: str
    weight: int = 1


class _Weighted(msgspec.Struct, frozen=True):
    services: tuple[_Child, ...] = ()


class _Shown(msgspec.Struct, frozen=True):
    """A router or service as Traefik's API shows it."""

    status: str = ""
    weighted: _Weighted = _Weighted()

    @property
    def children(self) -> tuple[_Child, ...]:
        return self.weighted.services


def _shown(one: Running, path: str) -> _Shown:
    answer = _get(one.internal, f"/api/http/{path}@file")
    return _Shown() if answer is None else msgspec.json.decode(answer.body, type=_Shown)


def _get(port: int, path: str) -> Answer | None:
    answer = get(port, path)
    return answer if answer is not None and answer.status == HTTPStatus.OK else None


__all__ = ["answers", "followed", "in_force", "routes", "served"]
