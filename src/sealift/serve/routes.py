"""Paths and methods: which part of the server answers what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from sealift.serve.answer import Answer
from sealift.serve.call import Call
from sealift.serve.house import House
from sealift.serve.refusal import RefusalError, brief, nearest
from sealift.serve.service import Service

Handler = Callable[[Call], Awaitable[Answer]]


class Route(msgspec.Struct, frozen=True):
    """What answers one path; ``name`` stands in metrics and logs, ``version`` in the answer."""

    name: str
    method: str
    handler: Handler
    version: str = ""
    predicts: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are right; the answer to HEAD is that to GET without its body."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


async def _options(_call: Call) -> Answer:
    """``OPTIONS *``: the methods that are right somewhere."""
    return Answer(200, b"", kind="", headers=(("allow", "GET, HEAD, POST, OPTIONS"),))


WHOLE = Route("options", "OPTIONS", _options)
"""What answers ``*``, the server as a whole (RFC 9110, 9.3.7)."""


class Routes:
    """All paths of a server; where there is one model, ``/predict`` is that model's."""

    def __init__(self, house: House) -> None:
        self._house = house
        only = house.only
        self._version = only.version if only else ""
        self._table: dict[str, Route] = {}
        self._put("/predict", "predict", "POST", house.predict)
        self._put("/metrics", "metrics", "GET", house.numbers)
        self._put("/openapi.json", "openapi", "GET", house.document)
        self._put("/docs", "docs", "GET", house.page)
        self._put("/v2", "metadata", "GET", house.server)
        self._put("/v2/health/live", "live", "GET", house.live)
        self._put("/v2/health/ready", "ready", "GET", house.readiness)
        self._put("/v2/models/stats", "stats", "GET", house.stats)
        self._put("/v2/repository/index", "repository", "POST", house.index)
        for service in house.services.values():
            self._of(service)
        if only:
            self._ask("/predict", "predict", only.predict, only)

    def _put(self, path: str, name: str, method: str, handler: Handler) -> None:
        self._table[path] = Route(name, method, handler, self._version)

    def _ask(self, path: str, name: str, handler: Handler, service: Service) -> None:
        self._table[path] = Route(name, "POST", handler, service.version, predicts=True)

    def _of(self, service: Service) -> None:
        """The paths of one model."""
        self._ask(f"/predict/{service.name}", "predict", service.predict, service)
        model = f"/v2/models/{service.name}"
        for base in (model, f"{model}/versions/{service.version}"):
            self._ask(f"{base}/infer", "infer", service.infer, service)
            for end, name, handler in (
                ("", "metadata", service.model),
                ("/config", "metadata", service.config),
                ("/ready", "ready", service.model_ready),
                ("/stats", "stats", service.stats),
            ):
                self._table[base + end] = Route(name, "GET", handler, service.version)

    def find(self, path: str) -> Route | None:
        """What answers a path; a slash at its end does not count."""
        found = self._table.get(path)
        if found is not None:
            return found
        if path == "*":
            return WHOLE
        path = path.rstrip("/")
        parts = path.split("/", 6)
        reader = self._house.reader
        if reader is not None and parts[1:2] == ["records"] and len(parts) in (2, 4):
            return Route("records", "GET", reader.files if len(parts) == 2 else reader.piece)
        if parts[:4] == ["", "v2", "repository", "models"] and len(parts) == 6:
            return self._control(parts[4], parts[5])
        return self._table.get(path)

    def _control(self, model: str, word: str) -> Route | None:
        """Loading or unloading; that of a model that there is not is refused once it is asked."""
        if word not in ("load", "unload"):
            return None
        house = self._house

        async def handler(call: Call) -> Answer:
            service = house.named(model, verb=word)
            return await (service.load(call) if word == "load" else service.unload(call))

        known = house.services.get(model)
        return Route("repository", "POST", handler, known.version if known else self._version)

    def lost(self, path: str) -> RefusalError:
        """404, with what is nearest to what was asked for."""
        parts = path.strip("/").split("/", 6)
        named = parts[2:] if parts[:2] == ["v2", "models"] else []
        named = parts[1:] if parts[0] == "predict" else named
        if named and named[0]:
            try:
                service = self._house.named(named[0])
            except RefusalError as refusal:
                return refusal
            if len(named) > 2 and named[1] == "versions" and named[2] != service.version:
                text = f"There is no version {brief(named[2])}; this is version {service.version}."
                return RefusalError(text, code="unknown_version", status=404)
        hint = nearest(path, self._table)
        return RefusalError(f"There is nothing here.{hint}", code="unknown_path", status=404)


def wrong_method(route: Route) -> RefusalError:
    """405, with the methods that are right."""
    allowed = (("allow", ", ".join(route.methods)),)
    return RefusalError(f"Use {route.method} here.", code="method", status=405, headers=allowed)


__all__ = ["Route", "Routes", "wrong_method"]
