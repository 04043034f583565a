"""The application: paths, methods, headers and errors; each call answers one request."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import msgspec
from granian.rsgi import HTTPProtocol, ProtocolClosed, ProtocolError, Scope

from sealift import __version__, clock
from sealift.serve import log, predict
from sealift.serve.artifact import Artifact
from sealift.serve.body import generation, presentable, read_body, request_id
from sealift.serve.guard import Guard
from sealift.serve.metrics import CONTENT_TYPE, Metrics
from sealift.serve.predict import Predictor, Result
from sealift.serve.protocol import Protocol
from sealift.serve.ready import Certified, Readiness
from sealift.serve.recorder import Answered, Recorder
from sealift.serve.refusal import RefusalError, brief, nearest
from sealift.serve.tensors import Row, sized

JSON = "application/json"


@dataclass(frozen=True)
class Limits:
    """The largest body in bytes, and the digest of the image that the answers name."""

    body: int = 16 << 20
    image: str = ""


@dataclass(frozen=True)
class Answer:
    """What goes back; ``id`` is the id of the request once it is known."""

    status: int
    body: bytes
    kind: str = JSON
    id: str = ""
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Scope, HTTPProtocol], Awaitable[Answer]]


class App:
    """Answers requests for one model, as an RSGI application."""

    def __init__(
        self, artifact: Artifact, readiness: Readiness, recorder: Recorder | None, limits: Limits
    ) -> None:
        self.metrics = Metrics()
        self.readiness = readiness
        self._recorder = recorder
        self._limits = limits
        self._artifact = artifact
        self._guard = Guard(artifact.contract)
        self._name = artifact.identity.name
        self._version = artifact.identity.version
        self._predictor: Predictor | None = None
        self._protocol: Protocol | None = None
        self._static = [("x-sealift-version", str(self._version))]
        if limits.image:
            self._static.append(("x-sealift-image", limits.image))
        self._routes = self._table()

    def install(self, certified: Certified, executor: Executor) -> None:
        """Take a certified model into service."""
        contract, model = self._artifact.contract, certified.model
        self._protocol = Protocol(self._guard, sized(model.inputs, contract), model.outputs)
        self._predictor = Predictor(contract, self._guard, certified, executor)

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request, whatever happens on the way."""
        began = clock.monotonic()
        self.metrics.in_flight += 1
        route, method, handler = self._find(scope)
        # probes go on until the end, and do not show that anybody still wants answers
        self.metrics.begun += method == "POST"
        try:
            answer = await self._attempt(scope, protocol, handler, method)
            protocol.response_bytes(answer.status, self._headers(answer), answer.body)
            self.metrics.answered(route, answer.status, clock.monotonic() - began)
        except (ProtocolClosed, ProtocolError):
            # the client went away; there is nobody to answer
            self.metrics.answered(route, 499, clock.monotonic() - began)
        finally:
            self.metrics.in_flight -= 1

    async def _attempt(
        self, scope: Scope, protocol: HTTPProtocol, handler: Handler | None, method: str
    ) -> Answer:
        try:
            if handler is None:
                return _refused(self._lost(scope.path), scope)
            if scope.method != method:
                return _refused(_wrong_method(method), scope)
            return await handler(scope, protocol)
        except RefusalError as refusal:
            return _refused(refusal, scope)
        except (ProtocolClosed, ProtocolError):
            raise
        except Exception as error:  # noqa: BLE001  the last line of defence: no request goes unanswered
            return self._incident(error)

    def _headers(self, answer: Answer) -> list[tuple[str, str]]:
        headers = [("content-type", answer.kind), *self._static, *answer.headers]
        if answer.id and presentable(answer.id):
            headers.append(("x-request-id", answer.id))
        if self.readiness.state == "ending":
            headers.append(("connection", "close"))
        return headers

    def _incident(self, error: Exception) -> Answer:
        incident = clock.token(16)
        trace = "".join(traceback.format_exception(error))
        log.event("incident", incident=incident, error=str(error), trace=trace)
        body = {"error": f"The model failed. Incident {incident}.", "code": "incident"}
        return Answer(500, msgspec.json.encode(body))

    def _table(self) -> dict[str, tuple[str, str, Handler]]:
        routes: dict[str, tuple[str, str, Handler]] = {
            "/predict": ("predict", "POST", self._predict),
            "/metrics": ("metrics", "GET", self._metrics_page),
            "/v2": ("metadata", "GET", self._server),
            "/v2/health/live": ("live", "GET", self._live),
            "/v2/health/ready": ("ready", "GET", self._ready),
        }
        for base in (
            f"/v2/models/{self._name}",
            f"/v2/models/{self._name}/versions/{self._version}",
        ):
            routes[base] = ("metadata", "GET", self._model)
            routes[f"{base}/ready"] = ("ready", "GET", self._model_ready)
            routes[f"{base}/infer"] = ("infer", "POST", self._infer)
        return routes

    def _find(self, scope: Scope) -> tuple[str, str, Handler | None]:
        path = scope.path
        return self._routes.get(path) or self._routes.get(path.rstrip("/")) or ("none", "", None)

    def _lost(self, path: str) -> RefusalError:
        parts = path.strip("/").split("/")
        if parts[:2] == ["v2", "models"] and len(parts) > 2:
            if parts[2] != self._name:
                text = f"Request for unknown model: {brief(parts[2])} is not found."
                return RefusalError(text, code="unknown_model", status=404)
            if len(parts) > 4 and parts[3] == "versions" and parts[4] != str(self._version):
                text = f"There is no version {brief(parts[4])}; this is version {self._version}."
                return RefusalError(text, code="unknown_version", status=404)
        hint = nearest(path, self._routes)
        return RefusalError(f"There is nothing here.{hint}", code="unknown_path", status=404)

    def _unready(self) -> RefusalError:
        return RefusalError(
            self.readiness.reason,
            code="not_ready",
            status=503,
            headers=(("retry-after", "1"),),
        )

    async def _predict(self, scope: Scope, protocol: HTTPProtocol) -> Answer:
        began = clock.monotonic()
        if self._predictor is None:
            raise self._unready()
        identifier = request_id(scope)
        given, rows = self._guard.read(await read_body(scope, protocol, self._limits.body))
        identifier = given or identifier
        result = await self._predictor.run(rows)
        self._note(scope, identifier, rows, result, began)
        body = predict.body(self._name, self._version, identifier, result)
        return Answer(200, body, id=identifier)

    async def _infer(self, scope: Scope, protocol: HTTPProtocol) -> Answer:
        began = clock.monotonic()
        if self._predictor is None or self._protocol is None:
            raise self._unready()
        identifier = request_id(scope)
        given, rows, wanted = self._protocol.read(
            await read_body(scope, protocol, self._limits.body)
        )
        identifier = given or identifier
        result = await self._predictor.run(rows)
        self._note(scope, identifier, rows, result, began)
        head = {
            "model_name": self._name,
            "model_version": str(self._version),
            "id": identifier if given is None else given,
        }
        body = self._protocol.answer(result.outputs, wanted, head, result.flags)
        return Answer(200, body, id=identifier)

    def _note(
        self, scope: Scope, identifier: str, rows: list[Row], result: Result, began: float
    ) -> None:
        self.metrics.rows += len(rows)
        self.metrics.valueless += result.predictions.count(None)
        for fields in result.flags.values():
            self.metrics.flags.update(fields)
        if self._recorder is not None and self._predictor is not None:
            self._recorder.add(
                Answered(
                    id=identifier,
                    at=clock.now(),
                    generation=generation(scope),
                    seconds=clock.monotonic() - began,
                    rows=rows,
                    outputs=self._predictor.recorded(result),
                    flags=result.flags,
                )
            )

    async def _server(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        return _json({"name": "sealift", "version": __version__, "extensions": []})

    async def _model(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        if self._protocol is None:
            raise self._unready()
        return _json(self._protocol.metadata(self._name, str(self._version)))

    async def _live(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        return _json({"live": True})

    async def _ready(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        if not self.readiness.ready:
            raise self._unready()
        return _json({"ready": True})

    async def _model_ready(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        if not self.readiness.ready:
            raise self._unready()
        return _json({"name": self._name, "ready": True})

    async def _metrics_page(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        written, dropped = (
            (self._recorder.written, self._recorder.dropped) if self._recorder else (0, 0)
        )
        text = self.metrics.text(
            gauges={"sealift_ready": int(self.readiness.ready)},
            counters={
                "sealift_records_written_total": written,
                "sealift_records_dropped_total": dropped,
            },
            info={
                "model": self._name,
                "version": str(self._version),
                "image": self._limits.image,
                "run": self._artifact.identity.run,
            },
        )
        return Answer(200, text.encode(), kind=CONTENT_TYPE)


def _json(value: Any) -> Answer:
    return Answer(200, msgspec.json.encode(value))


def _wrong_method(method: str) -> RefusalError:
    return RefusalError(
        f"Use {method} here.", code="method", status=405, headers=(("allow", method),)
    )


def _refused(refusal: RefusalError, scope: Scope) -> Answer:
    body = {"error": refusal.what, "code": refusal.code}
    if refusal.where:
        body["path"] = refusal.where
    given = scope.headers.get("x-request-id", "")
    return Answer(
        refusal.status,
        msgspec.json.encode(body),
        id=given if len(given) <= 128 else "",
        headers=refusal.headers,
    )


__all__ = ["App", "Limits"]
