"""The control API: what there is, how it does, and a hand on the release in progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from sealift import clock
from sealift.errors import SealiftError
from sealift.ports import Ledger, Observations
from sealift.record.model import Model
from sealift.record.profile import Profile
from sealift.record.release import Release
from sealift.record.run import Run
from sealift.release import transitions
from sealift.release.place import releases
from sealift.watch.report import watch
from sealift.web.answer import of_http, of_sealift, refuse, send
from sealift.web.guard import Guard, body
from sealift.web.labels import read

MOST = 1_000
"""Records in one answer, the newest ones."""

LATEST = 10**12
"""Seconds since 1970 that an instant may have."""

R = TypeVar("R", Run, Model, Release)
Wish = Literal["promote", "rollback"]


@dataclass(frozen=True)
class Api:
    """The routes; each reads the ledger and the observations anew."""

    service: str
    ledger: Ledger
    observations: Observations
    profiles: Callable[[], Mapping[int, Profile]]

    def health(self, _request: Request) -> Response:
        """Whether the API is there; needs no token."""
        return send({"status": "ok"})

    def status(self, _request: Request) -> Response:
        """The service at a glance."""
        known = releases(self.ledger)
        return send(
            {
                "service": self.service,
                "serving": serving(known),
                "releasing": [one for one in known if one.state != "ended"],
                "counts": self.observations.counts(),
            }
        )

    def releases(self, request: Request) -> Response:
        """All releases, the newest first."""
        return send({"releases": self._newest(Release, request)})

    def release(self, request: Request) -> Response:
        """One release."""
        return send(self.ledger.get(Release, request.path_params["id"]))

    def models(self, request: Request) -> Response:
        """All models, the newest first."""
        return send({"models": self._newest(Model, request)})

    def runs(self, request: Request) -> Response:
        """All runs, the newest first."""
        return send({"runs": self._newest(Run, request)})

    def watch(self, request: Request) -> Response:
        """Error, drift and latency by version, from ``?since=`` on."""
        since = _number(request, "since", 0, LATEST)
        models = self.ledger.all(Model)
        return send(
            watch(
                self.observations,
                self.profiles(),
                serving=serving(releases(self.ledger)),
                since=since,
                trained={model.version: model.metrics for model in models},
                brought={model.version for model in models if model.origin},
            )
        )

    async def labels(self, request: Request) -> Response:
        """Keep labels; sending one twice is harmless, since the first of a prediction counts."""
        content = await body(request)
        return await run_in_threadpool(self._add_labels, content)

    def promote(self, request: Request) -> Response:
        """Ask the controller to end a release with a promotion."""
        return self._ask(request, "promote")

    def rollback(self, request: Request) -> Response:
        """Ask the controller to end a release with a rollback."""
        return self._ask(request, "rollback")

    def _add_labels(self, content: bytes) -> Response:
        labels = read(content, now=clock.now())
        self.observations.add(cursors={}, labels=labels)
        return send({"accepted": len(labels)})

    def _ask(self, request: Request, wish: Wish) -> Response:
        def ask(release: Release) -> Release:
            return transitions.ask(release, wish, by="Somebody at the API", now=clock.now())

        return send(self.ledger.amend(Release, request.path_params["id"], ask), 202)

    def _newest(self, kind: type[R], request: Request) -> list[R]:
        limit = int(_number(request, "limit", 100, MOST))
        records = self.ledger.all(kind)
        return records[::-1][:limit]


def serving(known: list[Release]) -> int | None:
    """The version that the last promoted release brought up."""
    promoted = [one.version for one in known if one.outcome == "promoted"]
    return promoted[-1] if promoted else None


def app(api: Api, token: str) -> Starlette:
    """The ASGI application; ``token`` opens all routes but /health."""
    reading = {
        "/health": api.health,
        "/v1/status": api.status,
        "/v1/releases": api.releases,
        "/v1/releases/{id}": api.release,
        "/v1/models": api.models,
        "/v1/runs": api.runs,
        "/v1/watch": api.watch,
    }
    writing = {
        "/v1/labels": api.labels,
        "/v1/releases/{id}/promote": api.promote,
        "/v1/releases/{id}/rollback": api.rollback,
    }
    handlers: dict[Any, Any] = {
        SealiftError: of_sealift,
        HTTPException: of_http,
        ClientDisconnect: _cut_off,
        Exception: _unforeseen,
    }
    return Starlette(
        routes=[
            *(Route(path, route, methods=["GET"]) for path, route in reading.items()),
            *(Route(path, route, methods=["POST"]) for path, route in writing.items()),
        ],
        middleware=[Middleware(Guard, token=token)],
        exception_handlers=handlers,
    )


def _cut_off(_request: Request, _error: Exception) -> Response:
    return refuse(400, "The body ended too early.", code="bad-request")


def _unforeseen(_request: Request, _error: Exception) -> Response:
    return refuse(500, "Something unforeseen went wrong.", code="bug", remedy="See the log.")


def _number(request: Request, name: str, default: int, most: int) -> float:
    text = request.query_params.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise HTTPException(400, f"'{name}' must be a number from 0 to {most}, not {text!r}")
    return value


__all__ = ["Api", "app", "serving"]
