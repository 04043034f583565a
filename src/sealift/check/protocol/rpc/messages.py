"""The messages of the protocol and of its extensions: members, numbers and kinds.

After open_inference_grpc.proto; of Triton's extensions after its grpc_service.proto; health and
reflection after the documents of gRPC.
"""

from __future__ import annotations

from sealift.check.protocol.rpc.wire import Member, Shape

SERVICE = "inference.GRPCInferenceService"
HEALTH = "grpc.health.v1.Health"
REFLECTION = "grpc.reflection.v1.ServerReflection"
OLD_REFLECTION = "grpc.reflection.v1alpha.ServerReflection"

EMPTY = Shape({})
NAMED = Shape({"name": Member(1, "string"), "version": Member(2, "string")})
_LIVE = Shape({"live": Member(1, "bool")})
_READY = Shape({"ready": Member(1, "bool")})
_SERVER = Shape({**NAMED.members, "extensions": Member(3, "string", many=True)})
_TENSOR = {
    "name": Member(1, "string"),
    "datatype": Member(2, "string"),
    "shape": Member(3, "int64", many=True),
}
_MODEL = Shape(
    {
        "name": Member(1, "string"),
        "versions": Member(2, "string", many=True),
        "platform": Member(3, "string"),
        "inputs": Member(4, Shape(_TENSOR), many=True),
        "outputs": Member(5, Shape(_TENSOR), many=True),
    }
)
PARAMETER = Shape(
    {
        "bool_param": Member(1, "bool"),
        "int64_param": Member(2, "int64"),
        "string_param": Member(3, "string"),
        "double_param": Member(4, "double"),
        "uint64_param": Member(5, "uint64"),
    }
)
CONTENTS = Shape(
    {
        "bool_contents": Member(1, "bool", many=True),
        "int_contents": Member(2, "int32", many=True),
        "int64_contents": Member(3, "int64", many=True),
        "uint_contents": Member(4, "uint32", many=True),
        "uint64_contents": Member(5, "uint64", many=True),
        "fp32_contents": Member(6, "float", many=True),
        "fp64_contents": Member(7, "double", many=True),
        "bytes_contents": Member(8, "bytes", many=True),
    }
)
_FULL = Shape(
    {**_TENSOR, "contents": Member(5, CONTENTS)}, keyed={"parameters": Member(4, PARAMETER)}
)
_WANTED = Shape({"name": Member(1, "string")}, keyed={"parameters": Member(2, PARAMETER)})
ASKED = Shape(
    {
        "model_name": Member(1, "string"),
        "model_version": Member(2, "string"),
        "id": Member(3, "string"),
        "inputs": Member(5, _FULL, many=True),
        "outputs": Member(6, _WANTED, many=True),
        "raw_input_contents": Member(7, "bytes", many=True),
    },
    keyed={"parameters": Member(4, PARAMETER)},
)
ANSWER = Shape(
    {
        "model_name": Member(1, "string"),
        "model_version": Member(2, "string"),
        "id": Member(3, "string"),
        "outputs": Member(5, _FULL, many=True),
        "raw_output_contents": Member(6, "bytes", many=True),
    },
    keyed={"parameters": Member(4, PARAMETER)},
)
STREAMED = Shape({"error_message": Member(1, "string"), "infer_response": Member(2, ANSWER)})
_INDEX_ASKED = Shape({"repository_name": Member(1, "string"), "ready": Member(2, "bool")})
_INDEXED = Shape({**NAMED.members, "state": Member(3, "string"), "reason": Member(4, "string")})
_INDEX = Shape({"models": Member(1, _INDEXED, many=True)})
_COUNTED = Shape({**NAMED.members, "inference_count": Member(4, "uint64")})
_STATISTICS = Shape({"model_stats": Member(1, _COUNTED, many=True)})
_CONFIG = Shape({"config": Member(1, Shape({"name": Member(1, "string")}))})
_CHECKED = Shape({"service": Member(1, "string")})
_HEALTH = Shape({"status": Member(1, "int32")})
_REFLECT = Shape({"host": Member(1, "string"), "list_services": Member(7, "string")})
_SERVICES = Shape({"service": Member(1, Shape({"name": Member(1, "string")}), many=True)})
_REFLECTED = Shape({"list_services_response": Member(6, _SERVICES)})

METHODS: dict[str, tuple[Shape, Shape]] = {
    f"/{SERVICE}/{name}": shapes
    for name, shapes in {
        "ServerLive": (EMPTY, _LIVE),
        "ServerReady": (EMPTY, _READY),
        "ModelReady": (NAMED, _READY),
        "ServerMetadata": (EMPTY, _SERVER),
        "ModelMetadata": (NAMED, _MODEL),
        "ModelInfer": (ASKED, ANSWER),
        "ModelStreamInfer": (ASKED, STREAMED),
        "RepositoryIndex": (_INDEX_ASKED, _INDEX),
        "ModelStatistics": (NAMED, _STATISTICS),
        "ModelConfig": (NAMED, _CONFIG),
    }.items()
} | {
    f"/{HEALTH}/Check": (_CHECKED, _HEALTH),
    f"/{REFLECTION}/ServerReflectionInfo": (_REFLECT, _REFLECTED),
    f"/{OLD_REFLECTION}/ServerReflectionInfo": (_REFLECT, _REFLECTED),
}
"""What each method is asked and what it tells, by its path."""

__all__ = ["ANSWER", "ASKED", "CONTENTS", "EMPTY", "HEALTH", "METHODS", "NAMED", "OLD_REFLECTION",
    "PARAMETER", "REFLECTION", "SERVICE", "STREAMED"]  # fmt: skip
