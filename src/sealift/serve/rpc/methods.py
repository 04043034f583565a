"""The methods that are served, and the requests over HTTP that say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sealift.serve.refusal import RefusalError, brief
from sealift.serve.rpc import shapes
from sealift.serve.rpc.shapes import Shape

SERVICE = "inference.GRPCInferenceService"
HEALTH = "grpc.health.v1.Health"


class Method(msgspec.Struct, frozen=True):
    """How a method is answered: by the path that ``path`` makes of the request.

    ``inside`` names the member that holds the whole answer; ``body`` makes the JSON of the request.
    """

    name: str
    asked: Shape
    told: Shape
    path: Callable[[Mapping[str, Any]], str]
    inside: str = ""
    body: Callable[[Mapping[str, Any]], bytes] = lambda _: b""
    predicts: bool = False


def model_path(name: str, version: str = "") -> str:
    """The path of a model, or of one version."""
    base = f"/v2/models/{_part(name)}"
    return f"{base}/versions/{_part(version)}" if version else base


def _part(text: str) -> str:
    return text.replace("/", "%2F")


def _model(values: Mapping[str, Any], what: str = "") -> str:
    return model_path(values["name"], values["version"]) + what


def _statistics(values: Mapping[str, Any]) -> str:
    return _model(values, "/stats") if values["name"] else "/v2/models/stats"


def _control(verb: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda values: f"/v2/repository/models/{_part(values['model_name'])}/{verb}"


def lost(path: str) -> RefusalError:
    """405: there is no such method, and why, where other servers have one."""
    name = path.rpartition("/")[2]
    for known, why in ABSENT.items():
        if known in name:
            return RefusalError(why, code="unknown_path", status=405)
    return RefusalError(f"There is no method {brief(path)}.", code="unknown_path", status=405)


ABSENT = {
    "SharedMemory": "Shared memory is not offered: client and server share no machine in general. "
    "Send tensors in raw_input_contents.",
    "TraceSetting": "Traces are not set by clients: pass a traceparent with each request.",
    "LogSettings": "Logs are not set by clients: they are by SEALIFT_LOG.",
}
"""Parts of the names of methods that other servers have, and why there are none here."""

INFER = Method("grpc_infer", {}, {}, lambda _: "", predicts=True)
STREAM = Method("grpc_stream", {}, {}, lambda _: "")
INFER_PATH = f"/{SERVICE}/ModelInfer"
CHECK = Method("grpc_health", shapes.HEALTH_REQUEST, shapes.HEALTH, lambda _: "")

METHODS = {
    f"/{SERVICE}/{name}": method
    for name, method in {
        "ServerLive": Method("grpc_live", shapes.EMPTY, shapes.LIVE, lambda _: "/v2/health/live"),
        "ServerReady": Method(
            "grpc_ready", shapes.EMPTY, shapes.READY, lambda _: "/v2/health/ready"
        ),
        "ModelReady": Method(
            "grpc_ready", shapes.NAMED, shapes.READY, lambda values: _model(values, "/ready")
        ),
        "ServerMetadata": Method("grpc_metadata", shapes.EMPTY, shapes.SERVER, lambda _: "/v2"),
        "ModelMetadata": Method("grpc_metadata", shapes.NAMED, shapes.MODEL, _model),
        "ModelConfig": Method(
            "grpc_metadata",
            shapes.NAMED,
            shapes.CONFIG,
            lambda values: _model(values, "/config"),
            inside="config",
        ),
        "ModelStatistics": Method("grpc_stats", shapes.NAMED, shapes.STATISTICS, _statistics),
        "RepositoryIndex": Method(
            "grpc_repository",
            shapes.INDEX_REQUEST,
            shapes.INDEX,
            lambda _: "/v2/repository/index",
            inside="models",
            body=lambda values: msgspec.json.encode({"ready": values["ready"]}),
        ),
        "RepositoryModelLoad": Method(
            "grpc_repository", shapes.CONTROL, shapes.EMPTY, _control("load")
        ),
        "RepositoryModelUnload": Method(
            "grpc_repository", shapes.CONTROL, shapes.EMPTY, _control("unload")
        ),
        "ModelInfer": INFER,
        "ModelStreamInfer": STREAM,
    }.items()
} | {f"/{HEALTH}/Check": CHECK}


__all__ = [
    "CHECK",
    "HEALTH",
    "INFER",
    "INFER_PATH",
    "METHODS",
    "SERVICE",
    "STREAM",
    "Method",
    "lost",
    "model_path",
]
