"""Errors over gRPC: what does not fit the model ends with a code and a message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sealift.check.protocol.rpc.contents import TYPED, Given
from sealift.check.protocol.rpc.inference import same
from sealift.check.protocol.rpc.refusal import chosen, refused
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Seen, Spared, grpc, rule

_ERROR = grpc("Inference, errors by the status")
_RAW = grpc("ModelInferRequest, raw_input_contents")
_SILENT = "; contradiction 7, nothing is said"
_ONLY_RAW = Spared("an input of the model has no typed contents")


@rule("must", _ERROR)
def unknown_model(remote: Remote) -> Iterator[Seen]:
    """An inference by a model that is not there is an error, best NOT_FOUND."""
    yield from refused(remote.infer(remote.good(model_name="no-such-model")), "NOT_FOUND")


@rule("must", _ERROR)
def unknown_version(remote: Remote) -> Iterator[Seen]:
    """An inference by a version that is not there is an error, best NOT_FOUND."""
    yield from refused(remote.infer(remote.good(model_version="987654321")), "NOT_FOUND")


@rule("must", _ERROR)
def request_without_inputs(remote: Remote) -> Iterator[Seen]:
    """A request without inputs is refused."""
    yield from refused(remote.infer(remote.good([])))


@rule("must", grpc("Model Metadata, inputs"))
def missing_input(remote: Remote) -> Iterator[Seen]:
    """A request that lacks one of the model's inputs is refused."""
    if len(remote.given) < 2:
        yield Spared("the model has one input")
        return
    yield from refused(remote.infer(remote.good(remote.given[1:])))


@rule("must", grpc("InferInputTensor, name"))
def input_of_another_name(remote: Remote) -> Iterator[Seen]:
    """An input that the model does not have, in the place of one that it has, is refused."""
    first, *others = remote.given
    for name in ("no_such_input", ""):
        yield from refused(remote.infer(remote.good([replace(first, name=name), *others])))


@rule("must", grpc("Tensor Data Types"))
def unknown_datatype(remote: Remote) -> Iterator[Seen]:
    """A datatype that is none is refused."""
    for datatype in ("FLOAT7", ""):
        message = remote.good(raw=True)
        message["inputs"][0] |= {"datatype": datatype}
        yield from refused(remote.infer(message))


@rule("must", grpc("InferTensorContents, one member a datatype"))
def contents_of_another_datatype(remote: Remote) -> Iterator[Seen]:
    """Typed contents in the member of another datatype are refused."""
    if not remote.typed:
        yield _ONLY_RAW
        return
    one = remote.given[0]
    other = "fp64_contents" if one.datatype != "FP64" else "int64_contents"
    values = [1] * len(one.elements)
    yield from refused(remote.infer(remote.with_input(0, contents={other: values})))


@rule("must", grpc("ModelInferRequest, raw_input_contents: contents must not be specified"))
def both_kinds_of_contents(remote: Remote) -> Iterator[Seen]:
    """Typed contents beside raw ones are refused, for every input or for one."""
    if not remote.typed:
        yield _ONLY_RAW
        return
    blobs = [one.raw for one in remote.given]
    yield from refused(remote.infer(remote.good(raw=False, raw_input_contents=blobs)))
    if len(remote.given) > 1:
        part = remote.good(raw=False, raw_input_contents=blobs[1:])
        for one in part["inputs"][1:]:
            del one["contents"]
        yield from refused(remote.infer(part))


@rule("must", _RAW + ", one for each input")
def number_of_raw_contents(remote: Remote) -> Iterator[Seen]:
    """Fewer raw contents than inputs, or more, are refused."""
    blobs = [one.raw for one in remote.given]
    for wrong in (blobs[:-1], [*blobs, b"\0\0\0\0"]):
        yield from refused(remote.infer(remote.good(raw=True, raw_input_contents=wrong)))


@rule("must", _RAW + ", sizes")
def raw_contents_of_another_size(remote: Remote) -> Iterator[Seen]:
    """Raw contents with more or fewer bytes than the shape wants are refused."""
    first, *others = remote.given
    rest = [one.raw for one in others]
    for wrong in (first.raw[:-1], first.raw + b"\0", b""):
        yield from refused(remote.infer(remote.good(raw=True, raw_input_contents=[wrong, *rest])))


@rule("must", grpc("InferTensorContents: the size must match the shape"))
def typed_contents_of_another_size(remote: Remote) -> Iterator[Seen]:
    """Typed contents with more or fewer elements than the shape wants are refused."""
    if not remote.typed:
        yield _ONLY_RAW
        return
    first, *others = remote.given
    for elements in ((*first.elements, first.elements[0]), first.elements[:-1]):
        wrong = replace(first, elements=elements)
        yield from refused(remote.infer(remote.good([wrong, *others], raw=False)))


@rule("must", grpc("InferInputTensor, shape"))
def shape_that_is_none(remote: Remote) -> Iterator[Seen]:
    """A shape with a negative size, or with another number of dimensions, is refused."""
    shape = remote.given[0].shape
    for wrong in ([-1, *shape[1:]], [*shape, 1, 1], [-(2**63), *shape[1:]]):
        yield from refused(remote.infer(remote.with_input(0, shape=wrong)))


@rule("must", grpc("InferInputTensor, shape"))
def shape_too_large_to_count(remote: Remote) -> Iterator[Seen]:
    """A shape whose elements nobody can count or hold is refused, and no memory is asked for."""
    for shape in ([2**62, 8], [2**32, 2**32], [2**31 - 1, 2**31 - 1]):
        yield from refused(
            remote.infer(remote.with_input(0, shape=shape)), "INVALID_ARGUMENT",
            "OUT_OF_RANGE", "RESOURCE_EXHAUSTED",
        )  # fmt: skip


def _narrow(remote: Remote) -> tuple[int, Given] | None:
    for position, one in enumerate(remote.given):
        if (
            TYPED.get(one.datatype) in ("int_contents", "uint_contents")
            and "32" not in one.datatype
        ):
            return position, one
    return None


@rule("should", grpc("InferTensorContents, INT8 to INT32 in one member"))
def numbers_out_of_range(remote: Remote) -> Iterator[Seen]:
    """A number in int_contents that the narrow datatype cannot hold is refused, not cut down."""
    found = _narrow(remote)
    if found is None:
        yield Spared("the model has no input of 8 or 16 bits")
        return
    position, one = found
    values = [100_000, *one.elements[1:]]
    contents = {TYPED[one.datatype]: values}
    yield from refused(remote.infer(remote.with_input(position, contents=contents)))


@rule("must", grpc("ModelInferRequest: FP16 and BF16 must be raw"))
def halves_are_raw(remote: Remote) -> Iterator[Seen]:
    """FP16 and BF16 have no typed contents, so those of FP32 are refused for them."""
    if not remote.typed:
        tensors = [
            one.typed
            if one.datatype in TYPED
            else {**one.head, "contents": {"fp32_contents": list(one.elements)}}
            for one in remote.given
        ]
        yield from refused(remote.infer(remote.good([], raw=False, inputs=tensors)))
        return
    yield Spared("the model has no input of FP16 or BF16")


@rule("unclear", grpc("InferInputTensor, datatype") + _SILENT)
def other_datatype(remote: Remote) -> Iterator[Seen]:
    """A datatype that is not the model's may be converted or refused."""
    first, *others = remote.given
    datatype = "INT32" if first.datatype != "INT32" else "FP64"
    other = Given(first.name, datatype, first.shape, (1,) * len(first.elements))
    yield from chosen("another datatype", remote.infer(remote.good([other, *others])))


@rule("unclear", grpc("ModelInferRequest, inputs") + _SILENT)
def unknown_input(remote: Remote) -> Iterator[Seen]:
    """A further input that the model does not have may be ignored or refused."""
    more = replace(remote.given[0], name="no_such_input")
    yield from chosen("an unknown input", remote.infer(remote.good([*remote.given, more])))


@rule("unclear", grpc("ModelInferRequest, inputs") + _SILENT)
def repeated_input(remote: Remote) -> Iterator[Seen]:
    """The same input twice may be taken or refused."""
    call = remote.infer(remote.good([*remote.given, remote.given[0]]))
    yield from chosen("an input twice", call)


@rule("unclear", grpc("ModelInferRequest, outputs") + _SILENT)
def unknown_output(remote: Remote) -> Iterator[Seen]:
    """An output that the model does not have may be ignored or refused."""
    call = remote.infer(remote.good(outputs=[{"name": "no_such_output"}]))
    yield from chosen("an unknown output", call, "INVALID_ARGUMENT", "NOT_FOUND")


@rule("must", grpc("ModelInfer"))
def server_is_unharmed(remote: Remote) -> Iterator[Seen]:
    """After all these faults a valid request is answered as before."""
    yield from same(remote, remote.infer(remote.good()), "The valid request")


RULES = (
    unknown_model,
    unknown_version,
    request_without_inputs,
    missing_input,
    input_of_another_name,
    unknown_datatype,
    contents_of_another_datatype,
    both_kinds_of_contents,
    number_of_raw_contents,
    raw_contents_of_another_size,
    typed_contents_of_another_size,
    shape_that_is_none,
    shape_too_large_to_count,
    numbers_out_of_range,
    halves_are_raw,
    other_datatype,
    unknown_input,
    repeated_input,
    unknown_output,
    server_is_unharmed,
)

__all__ = ["RULES"]
