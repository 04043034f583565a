"""Paths and methods: which part of the service answers what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sealift.serve.answer import Answer
from sealift.serve.call import Call
from sealift.serve.refusal import RefusalError, brief, nearest
from sealift.serve.service import Service

Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers one path; ``name`` stands in metrics and logs."""

    name: str
    method: str
    handler: Handler
    predicts: bool = False


class Routes:
    """All paths of a service of one model."""

    def __init__(self, service: Service) -> None:
        self._name = service.name
        self._version = service.version
        self._table = {
            "/predict": Route("predict", "POST", service.predict, predicts=True),
            "/metrics": Route("metrics", "GET", service.numbers),
            "/openapi.json": Route("openapi", "GET", service.document),
            "/docs": Route("docs", "GET", service.page),
            "/v2": Route("metadata", "GET", service.server),
            "/v2/health/live": Route("live", "GET", service.live),
            "/v2/health/ready": Route("ready", "GET", service.ready),
            "/v2/models/stats": Route("stats", "GET", service.stats),
            "/v2/repository/index": Route("repository", "POST", service.index),
        }
        for base in (
            f"/v2/models/{self._name}",
            f"/v2/models/{self._name}/versions/{self._version}",
        ):
            self._table[base] = Route("metadata", "GET", service.model)
            self._table[f"{base}/ready"] = Route("ready", "GET", service.model_ready)
            self._table[f"{base}/stats"] = Route("stats", "GET", service.stats)
            self._table[f"{base}/infer"] = Route("infer", "POST", service.infer, predicts=True)
        self._control = {
            "load": Route("repository", "POST", service.load),
            "unload": Route("repository", "POST", service.unload),
        }

    def find(self, path: str) -> Route | None:
        """What answers a path; a slash at its end does not count."""
        found = self._table.get(path)
        if found is not None:
            return found
        path = path.rstrip("/")
        parts = path.split("/", 6)
        if parts[:4] == ["", "v2", "repository", "models"] and len(parts) == 6:
            return self._control.get(parts[5])
        return self._table.get(path)

    def lost(self, path: str) -> RefusalError:
        """404, with what is nearest to what was asked for."""
        parts = path.strip("/").split("/", 6)
        if parts[:2] == ["v2", "models"] and len(parts) > 2:
            if parts[2] != self._name:
                text = f"Request for unknown model: {brief(parts[2])} is not found."
                return RefusalError(text, code="unknown_model", status=404)
            if len(parts) > 4 and parts[3] == "versions" and parts[4] != self._version:
                text = f"There is no version {brief(parts[4])}; this is version {self._version}."
                return RefusalError(text, code="unknown_version", status=404)
        hint = nearest(path, self._table)
        return RefusalError(f"There is nothing here.{hint}", code="unknown_path", status=404)


def wrong_method(method: str) -> RefusalError:
    """405, with the method that is right."""
    return RefusalError(
        f"Use {method} here.", code="method", status=405, headers=(("allow", method),)
    )


__all__ = ["Route", "Routes", "wrong_method"]
