"""Tensors in binary: the extension ``binary_tensor_data``, where a server says to have it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.inference import same
from sealift.check.protocol.refusal import refused
from sealift.check.protocol.rule import Fault, Seen, Spared, extension, rule
from sealift.check.protocol.server import BINARY, LENGTH, Server, outputs
from sealift.check.protocol.tensor import alike, flat, packed, unpacked
from sealift.types import Json

SIZE = "binary_data_size"
_DOCUMENT = "binary tensor data"
LACKING = Spared("the server does not have the extension binary_tensor_data")


def parts(
    server: Server, only: int | None = None, blob: bytes | None = None
) -> tuple[dict[str, Json], bytes]:
    """A good body with its inputs in binary, and their bytes.

    ``only`` is the one input in binary if given, ``blob`` what its bytes are instead.
    """
    inputs: list[Json] = []
    blobs = b""
    for position, one in enumerate(server.good_inputs()):
        if only not in (None, position):
            inputs.append(one)
            continue
        data = flat(one.pop("data"))
        made = packed(data, str(one.get("datatype"))) if blob is None else blob
        inputs.append({**one, "parameters": {SIZE: len(made)}})
        blobs += made
    return server.good(inputs=inputs), blobs


def bare(answer: Exchange) -> bytes | None:
    """What follows the JSON of an answer; None where it says to have none, or does not fit."""
    length = answer.received.get(LENGTH, "")
    if not length.isdecimal() or int(length) > len(answer.content):
        return None
    return answer.content[int(length) :]


def read(answer: Exchange) -> tuple[dict[str, dict[str, Json]], dict[str, list[Json]]]:
    """The outputs of an answer by name, and their elements, wherever they stand.

    Raises ``ValueError`` for bytes that do not fit what the JSON says of them.
    """
    rest = bare(answer)
    if rest is None:
        told = outputs(answer)
        return told, {name: flat(one.get("data")) for name, one in told.items()}
    head = Exchange("", "", {}, b"", answer.status, {}, answer.content[: -len(rest) or None])
    told, given = outputs(head), {}
    for name, one in told.items():
        parameters = one.get("parameters")
        size = parameters.get(SIZE) if isinstance(parameters, dict) else None
        if not isinstance(size, int):
            given[name] = flat(one.get("data"))
            continue
        if size > len(rest):
            raise ValueError(f"{name!r} has {len(rest)} bytes, not {size}")
        given[name] = unpacked(rest[:size], str(one.get("datatype")))
        rest = rest[size:]
    if rest:
        raise ValueError(f"{len(rest)} bytes are left over")
    return told, given


def matches(server: Server, answer: Exchange, *, binary: bool) -> Iterator[Seen]:
    """The answer holds the known values; in binary or not, as was asked."""
    if not answer.ok:
        yield Fault("It is refused.", answer)
        return
    if (bare(answer) is not None) != binary:
        told = "The outputs do not come in binary." if binary else "Outputs come in binary."
        yield Fault(told, answer)
        return
    try:
        _, given = read(answer)
    except ValueError as error:
        yield Fault(f"The bytes of the answer do not come out: {error}.", answer)
        return
    for name, values in server.known().items():
        if not alike(given.get(name, []), values):
            yield Fault(f"{name!r} has other values than in JSON.", answer)


@rule("must", extension(_DOCUMENT, "order of tensors"))
def inputs_in_binary(server: Server) -> Iterator[Seen]:
    """Inputs in binary behind the JSON mean the same as inputs in JSON."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
    else:
        yield from same(server, server.infer_binary(*parts(server)), "A request in binary")


@rule("must", extension(_DOCUMENT, "order of tensors"))
def inputs_in_both_forms(server: Server) -> Iterator[Seen]:
    """Of several inputs, some may be in binary and some in JSON."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
    elif len(server.good_inputs()) < 2:
        yield Spared("the model has one input")
    else:
        last = len(server.good_inputs()) - 1
        yield from same(server, server.infer_binary(*parts(server, last)), "A mixed request")


@rule("must", extension(_DOCUMENT, "binary_data_output"))
def outputs_in_binary(server: Server) -> Iterator[Seen]:
    """With "binary_data_output" all outputs come in binary, with the length of the JSON told."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
    else:
        answer = server.infer(server.good(parameters={"binary_data_output": True}))
        yield from matches(server, answer, binary=True)


@rule("must", extension(_DOCUMENT, "binary_data"))
def output_in_binary(server: Server) -> Iterator[Seen]:
    """With "binary_data" an output comes in binary."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
        return
    wanted: list[Json] = [
        {"name": name, "parameters": {"binary_data": True}} for name in server.known()
    ]
    yield from matches(server, server.infer(server.good(outputs=wanted)), binary=True)


@rule("must", extension(_DOCUMENT, "binary_data overrides binary_data_output"))
def wish_of_an_output_counts(server: Server) -> Iterator[Seen]:
    """What an output asks for counts more than what the request asks for all."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
        return
    wanted: list[Json] = [
        {"name": name, "parameters": {"binary_data": False}} for name in server.known()
    ]
    body = server.good(outputs=wanted, parameters={"binary_data_output": True})
    yield from matches(server, server.infer(body), binary=False)


@rule("should", extension(_DOCUMENT, "Examples"))
def binary_answers_say_so(server: Server) -> Iterator[Seen]:
    """An answer with binary tensors has the media type application/octet-stream."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
        return
    answer = server.infer(server.good(parameters={"binary_data_output": True}))
    kind = answer.received.get("content-type", "").partition(";")[0].strip()
    if answer.ok and kind != BINARY:
        yield Fault(f"Content-Type is {kind!r}.", answer)


@rule("must", extension(_DOCUMENT, "Inference-Header-Content-Length"))
def length_of_the_json_that_is_none(server: Server) -> Iterator[Seen]:
    """A length of the JSON that is no number, negative or beyond the body is refused."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
        return
    body, blobs = parts(server)
    whole = len(msgspec.json.encode(body)) + len(blobs)
    for length in ("x", "-1", str(whole + 1), str(10**30), "1.5"):
        yield from refused(server.infer_binary(body, blobs, length))


@rule("must", extension(_DOCUMENT, "binary_data_size"))
def bytes_that_do_not_fit(server: Server) -> Iterator[Seen]:
    """Bytes that are missing or left over, or whose number does not fit the shape, are refused."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
        return
    body, blobs = parts(server)
    yield from refused(server.infer_binary(body, blobs[:-1]))
    yield from refused(server.infer_binary(body, blobs + b"x"))
    yield from refused(server.infer_binary(body, b""))
    short, less = parts(server, 0, b"\0")
    yield from refused(server.infer_binary(short, less))


@rule("must", extension(_DOCUMENT, "binary_data_size"))
def size_that_is_none(server: Server) -> Iterator[Seen]:
    """A size that is negative, no number, or more than anybody has is refused."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
        return
    body, blobs = parts(server, 0)
    inputs = body["inputs"]
    assert isinstance(inputs, list)
    first, *others = inputs
    assert isinstance(first, dict)
    for size in (-1, "x", 2**62):
        broken: list[Json] = [{**first, "parameters": {SIZE: size}}, *others]
        yield from refused(server.infer_binary(server.good(inputs=broken), blobs))


RULES = (
    inputs_in_binary,
    inputs_in_both_forms,
    outputs_in_binary,
    output_in_binary,
    wish_of_an_output_counts,
    binary_answers_say_so,
    length_of_the_json_that_is_none,
    bytes_that_do_not_fit,
    size_that_is_none,
)

__all__ = ["LACKING", "RULES", "bare", "matches", "parts", "read"]
