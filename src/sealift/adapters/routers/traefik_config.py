"""What Traefik is told: at its start, and with every route. Pure functions.

Both are written as JSON, which its YAML reader takes: a file that was cut off anywhere is then a
syntax error, which leaves the configuration before it in force, and never a shorter, valid one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from sealift import digest
from sealift.errors import ReleaseError
from sealift.loopback import HOST
from sealift.record.route import Backend, Route
from sealift.types import Json

PROBE = "/.sealift/router"
"""A path that the router itself answers, to show which route is in force for requests."""
FINGERPRINT = "X-Sealift-Route"
GENERATION = "X-Sealift-Generation"

STATUS = "Grpc-Status"
"""Where a refused call of gRPC has its code; its status in HTTP is 200."""

_CALLS = "HeaderRegexp(`Content-Type`, `^application/grpc`)"

# A server that died comes back at the same address within a second or two; requests wait for it.
_ATTEMPTS = 20
_INTERVAL = "100ms"
# Traefik sets this much memory aside for every request, whatever its size: 8 MiB cost five times
# the processor time. A longer body goes through as well, but is not asked again.
_KEPT_BODY = 64 << 10
# Below any server's keep-alive, so that no request is sent into a connection that is closing.
_IDLE = "1s"
_FIELDS = (
    "StartUTC",
    "RequestMethod",
    "RequestPath",
    "RouterName",
    "ServiceName",
    "DownstreamStatus",
    "Duration",
    "OriginDuration",
)


def static(*, port: int, dynamic_file: Path, folder: Path) -> str:
    """The configuration for the start: two entry points, both on the loopback interface only.

    Their sockets are handed over by these names, whatever the addresses here.
    """
    kept: Json = dict.fromkeys(_FIELDS, "keep")
    return _text(
        {
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
            "entryPoints": {
                "web": {"address": f"{HOST}:{port}"},
                "traefik": {"address": f"{HOST}:0"},
            },
            "api": {"insecure": True, "dashboard": False},
            "ping": {},
            "log": {
                "level": "WARN",
                "format": "json",
                "filePath": str(folder / "traefik.log"),
            },
            "providers": {
                "providersThrottleDuration": "0s",
                "file": {"filename": str(dynamic_file), "watch": True},
            },
            "accessLog": {
                "filePath": str(folder / "access.jsonl"),
                "format": "json",
                "bufferingSize": 0,
                "fields": {
                    "defaultMode": "drop",
                    "names": kept,
                    "headers": {"defaultMode": "drop", "names": {STATUS: "keep"}},
                },
            },
        }
    )


def dynamic(route: Route) -> str:
    """The configuration of a route: one router named by generation, one service a version.

    Calls of gRPC have their own, of the same weights, which ask the same servers by HTTP/2.

    A route without backends, or with backends that have no weight, answers 503.
    """
    _refuse(route)
    called = f"{route.service}-rpc"
    top, services = _services(route.service, route, "http")
    top_called, services_called = _services(called, route, "h2c")
    return _text(
        {
            "http": {
                "routers": {
                    router_name(route.service, route.generation): {
                        "rule": "PathPrefix(`/`)",
                        "priority": 1,
                        "entryPoints": ["web"],
                        "service": top,
                        "middlewares": ["generation", "retry"],
                    },
                    router_name(called, route.generation): {
                        "rule": _CALLS,
                        "priority": 3,
                        "entryPoints": ["web"],
                        "service": top_called,
                        "middlewares": ["generation", "retry-calls"],
                    },
                    # what was sent of a stream is gone: asked again, it would look like an empty
                    # one, and to keep it would hold up its answers
                    router_name(f"{called}-stream", route.generation): {
                        "rule": f"{_CALLS} && PathRegexp(`Stream`)",
                        "priority": 4,
                        "entryPoints": ["web"],
                        "service": top_called,
                        "middlewares": ["generation"],
                    },
                    "sealift-probe": {
                        "rule": f"Path(`{PROBE}`)",
                        "priority": 2,
                        "entryPoints": ["web", "traefik"],
                        "service": "ping@internal",
                        "middlewares": ["fingerprint"],
                        "observability": {"accessLogs": False},
                    },
                },
                "middlewares": _middlewares(route),
                "services": services | services_called,
                "serversTransports": {
                    "upstream": {
                        "forwardingTimeouts": {"idleConnTimeout": _IDLE, "dialTimeout": "2s"}
                    }
                },
            }
        }
    )


def router_name(service: str, generation: int) -> str:
    """The name that the access log has for requests under this generation."""
    return f"{service}-g{generation}"


def service_name(service: str, version: int) -> str:
    """The name that the access log has for requests answered by this version."""
    return f"{service}-v{version}"


def weights(route: Route) -> dict[str, int]:
    """The split as Traefik's API shows it once it is in force."""
    return {
        service_name(route.service, backend.version): backend.weight
        for backend in route.backends
        if backend.weight > 0
    }


def fingerprint(route: Route) -> str:
    """A short name of all that a route says: same service, generation, weights and addresses."""
    said: Json = [
        route.service,
        route.generation,
        [[one.version, one.weight, list(one.urls)] for one in route.backends],
    ]
    return digest.short(digest.of_json(said))


def _middlewares(route: Route) -> dict[str, Json]:
    return {
        "generation": {"headers": {"customRequestHeaders": {GENERATION: str(route.generation)}}},
        "fingerprint": {"headers": {"customResponseHeaders": {FINGERPRINT: fingerprint(route)}}},
        # 502 is Traefik's own word for a connection that broke before the answer; a prediction
        # changes nothing, so it may be asked for again. 503 and 504 come from busy servers: asking
        # again would only add to their work.
        "retry": _retry("502"),
        # a connection of HTTP/2 that broke may be a 500 of Traefik's; servers answer calls with 200
        "retry-calls": _retry("500", "502"),
    }


def _retry(*statuses: str) -> Json:
    return {
        "retry": {
            "attempts": _ATTEMPTS,
            "initialInterval": _INTERVAL,
            "status": list(statuses),
            "retryNonIdempotentMethod": True,
            "maxRequestBodyBytes": _KEPT_BODY,
        }
    }


def _services(name: str, route: Route, scheme: str) -> tuple[str, dict[str, Json]]:
    """The services of a route, and the name of the one that splits requests among them."""
    live = [backend for backend in route.backends if backend.weight > 0]
    if not live:
        return f"{name}-none", {f"{name}-none": {"loadBalancer": {"servers": []}}}
    found = {
        service_name(name, backend.version): _servers(
            [url.replace("http://", f"{scheme}://", 1) for url in backend.urls]
        )
        for backend in live
    }
    return f"{name}-split", {**found, f"{name}-split": _split(name, live)}


def _split(service: str, backends: Sequence[Backend]) -> Json:
    children: list[Json] = [
        {"name": service_name(service, one.version), "weight": one.weight} for one in backends
    ]
    return {"weighted": {"services": children}}


def _servers(urls: Sequence[str]) -> Json:
    servers: list[Json] = [{"url": url} for url in urls]
    return {"loadBalancer": {"servers": servers, "serversTransport": "upstream"}}


def _refuse(route: Route) -> None:
    """Raises ``ReleaseError`` for a route that could not be told apart in the log or not built."""
    where = router_name(route.service, route.generation)
    versions = [backend.version for backend in route.backends]
    if len(set(versions)) != len(versions):
        raise ReleaseError("A route names the same version twice.", where=where)
    for backend in route.backends:
        if backend.weight > 0 and not backend.urls:
            raise ReleaseError(
                f"Version {backend.version} has a share but no address.", where=where
            )
        for url in backend.urls:
            if not url.startswith(("http://", "https://")) or "{{" in url:
                raise ReleaseError(f"{url!r} is not the address of a server.", where=where)


def _text(value: Json) -> str:
    # An indent keeps braces apart: Traefik reads two opening ones as a template.
    return json.dumps(value, indent=1) + "\n"


__all__ = [
    "FINGERPRINT",
    "GENERATION",
    "PROBE",
    "dynamic",
    "fingerprint",
    "router_name",
    "service_name",
    "static",
    "weights",
]
