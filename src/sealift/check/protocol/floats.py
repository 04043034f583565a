"""Numbers that JSON does not have: NaN, infinities, and null in their place."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.refusal import chosen
from sealift.check.protocol.rule import Fault, Seen, Spared, rest, rule
from sealift.check.protocol.server import Server
from sealift.check.protocol.tensor import FORMATS, flat, packed
from sealift.types import Json

_MARK = "the place of the number"
_NONE = Spared("the model has no input of FP32 or FP64")


def _position(server: Server) -> int | None:
    """The first input of floating-point numbers."""
    kinds = [one.get("datatype") for one in server.good_inputs()]
    return next((place for place, kind in enumerate(kinds) if kind in ("FP32", "FP64")), None)


def _with(server: Server, text: bytes) -> Exchange | None:
    """The answer to the good body with this text in the place of its first number."""
    position = _position(server)
    if position is None:
        return None
    data: list[Json] = [_MARK, *flat(server.good_inputs()[position].get("data"))[1:]]
    body = msgspec.json.encode(server.with_input(position, data=data))
    return server.infer(body.replace(msgspec.json.encode(_MARK), text))


def _strict(answer: Exchange) -> Iterator[Seen]:
    if answer.status and answer.content and not answer.is_json:
        yield Fault("The answer is no JSON (RFC 8259 has no NaN and no Infinity).", answer)


@rule("unclear", rest("Tensor Data; contradiction 7, nothing is said of NaN"))
def not_a_number(server: Server) -> Iterator[Seen]:
    """NaN and Infinity, which are no JSON, may be taken all the same or refused."""
    for text in (b"NaN", b"Infinity"):
        answer = _with(server, text)
        if answer is None:
            yield _NONE
            return
        yield from chosen(text.decode(), answer)


@rule("unclear", rest("Tensor Data; contradiction 7, nothing is said of null"))
def null_in_place_of_a_number(server: Server) -> Iterator[Seen]:
    """Null in the place of a number may be taken or refused."""
    answer = _with(server, b"null")
    yield from (_NONE,) if answer is None else chosen("null", answer)


@rule("unclear", rest("Tensor Data; contradiction 7, nothing is said of overflow"))
def number_without_end(server: Server) -> Iterator[Seen]:
    """A number beyond FP64, such as 1e999, may become an infinity or be refused."""
    answer = _with(server, b"1e999")
    yield from (_NONE,) if answer is None else chosen("1e999", answer)


@rule("must", rest("introduction, JSON"))
def answers_are_json(server: Server) -> Iterator[Seen]:
    """An answer is JSON even where its numbers are not finite: no bare NaN or Infinity."""
    seen = [_with(server, text) for text in (b"NaN", b"1e999", b"3e38")]
    position = _position(server)
    if position is None:
        yield _NONE
        return
    if "binary_tensor_data" in server.extensions:
        seen.append(_binary(server, position))
    for answer in seen:
        yield from _strict(answer) if answer else ()


def _binary(server: Server, position: int) -> Exchange:
    """The answer in JSON to a binary tensor whose first number is NaN."""
    one = server.good_inputs()[position]
    datatype = str(one.get("datatype"))
    assert datatype in FORMATS
    blob = packed([float("nan"), *flat(one.get("data"))[1:]], datatype)
    body = server.with_input(position, parameters={"binary_data_size": len(blob)})
    inputs = body["inputs"]
    assert isinstance(inputs, list)
    tensor = inputs[position]
    assert isinstance(tensor, dict)
    del tensor["data"]
    return server.infer_binary(body, blob)


RULES = (
    not_a_number,
    null_in_place_of_a_number,
    number_without_end,
    answers_are_json,
)

__all__ = ["RULES"]
