"""Clients of gRPC: Google's own, with bytes for messages or those of Triton's client."""

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

METHOD = "/inference.GRPCInferenceService/"


class Client:
    """A channel to a server; ``with`` closes it."""

    def __init__(self, server, **options):
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{server.grpc}",
            options=[("grpc.max_receive_message_length", -1), *options.items()],
            compression=None,
        )
        self.stub = service_pb2_grpc.GRPCInferenceServiceStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.channel.close()

    def raw(self, method, message=b"", **more):
        """A call with bytes; the answer's bytes and the call."""
        call = self.channel.unary_unary(method if method[0] == "/" else METHOD + method)
        return call.with_call(message, timeout=more.pop("timeout", 30), **more)

    def fails(self, request, method="ModelInfer", **more):
        """The error that a request gives."""
        try:
            if isinstance(request, bytes):
                self.raw(method, request, **more)
            else:
                getattr(self.stub, method)(request, timeout=more.pop("timeout", 30), **more)
        except grpc.RpcError as error:
            return error
        raise AssertionError("it was answered")


def infer(inputs, raw=True, model="toy", **more):
    """A request of ``(name, datatype, shape, values)``; values as bytes, or typed."""
    request = service_pb2.ModelInferRequest(model_name=model, **more)
    for name, datatype, shape, values in inputs:
        tensor = request.inputs.add(name=name, datatype=datatype, shape=shape)
        if raw:
            request.raw_input_contents.append(values)
        else:
            place = FIELDS[datatype]
            getattr(tensor.contents, f"{place}_contents")[:] = values
    return request


def codes(error):
    """The status of an error, and its slug and path."""
    trailers = dict(error.trailing_metadata())
    return error.code().name, trailers.get("sealift-code"), trailers.get("sealift-path", "")


def values(answer):
    """The outputs by name, as lists."""
    found = {}
    for number, output in enumerate(answer.outputs):
        if answer.raw_output_contents:
            flat = np.frombuffer(answer.raw_output_contents[number], KINDS[output.datatype])
        else:
            flat = getattr(output.contents, f"{FIELDS[output.datatype]}_contents")
        found[output.name] = list(flat)
    return found


FIELDS = {
    "BOOL": "bool",
    "INT8": "int",
    "INT16": "int",
    "INT32": "int",
    "INT64": "int64",
    "UINT8": "uint",
    "UINT16": "uint",
    "UINT32": "uint",
    "UINT64": "uint64",
    "FP32": "fp32",
    "FP64": "fp64",
    "BYTES": "bytes",
}
KINDS = {"FP32": "<f4", "FP64": "<f8", "INT32": "<i4", "INT64": "<i8", "FP16": "<f2"}
