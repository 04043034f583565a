"""BYTES: texts of any letters, and bytes that are none."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from sealift.check.protocol.binary import bare, parts
from sealift.check.protocol.refusal import chosen, in_form, refused
from sealift.check.protocol.rule import Fault, Seen, Spared, extension, rest, rule
from sealift.check.protocol.server import Server, outputs
from sealift.check.protocol.tensor import flat
from sealift.types import Json

_NONE = Spared("the model has no input of BYTES")
_BINARY = Spared("the server does not have the extension binary_tensor_data")
_BLOB = extension("binary tensor data", "BYTES")


def _position(server: Server) -> int | None:
    """The first input of texts."""
    kinds = [one.get("datatype") for one in server.good_inputs()]
    return kinds.index("BYTES") if "BYTES" in kinds else None


@rule("should", rest("Tensor Data, string"))
def texts_of_any_letters(server: Server) -> Iterator[Seen]:
    """Texts with letters of any alphabet, with NUL, or empty, are taken or refused in form."""
    position = _position(server)
    if position is None:
        yield _NONE
        return
    data = flat(server.good_inputs()[position].get("data"))
    for text in ("Zoë 🛫 中", "a\0b", "", "x" * 70_000):
        broken: list[Json] = [text, *data[1:]]
        answer = server.infer(server.with_input(position, data=broken))
        if not answer.status:
            yield Fault("No answer comes.", answer)
        elif not answer.ok:
            yield from in_form(answer)


@rule("unclear", rest("Tensor Data, coerce each element or return an error"))
def number_as_a_text(server: Server) -> Iterator[Seen]:
    """A number or a truth in the place of a text may be made one or refused."""
    position = _position(server)
    if position is None:
        yield _NONE
        return
    data = flat(server.good_inputs()[position].get("data"))
    for value in (7, True):
        broken: list[Json] = [value, *data[1:]]
        answer = server.infer(server.with_input(position, data=broken))
        yield from chosen(f"{value!r} as a text", answer)


@rule("must", rest("Tensor Data, string"))
def texts_come_back_as_texts(server: Server) -> Iterator[Seen]:
    """An output of BYTES in JSON holds texts."""
    texts = [one for one in outputs(server.answer).values() if one.get("datatype") == "BYTES"]
    if not texts:
        yield Spared("the model has no output of BYTES")
    for one in texts:
        if not all(isinstance(element, str) for element in flat(one.get("data"))):
            yield Fault(f"An element of {one['name']!r} is no text.", server.answer)


@rule("must", _BLOB)
def text_beyond_the_end(server: Server) -> Iterator[Seen]:
    """A binary text that is said to be longer than what is left is refused."""
    position = _position(server)
    if position is None or "binary_tensor_data" not in server.extensions:
        yield _NONE if position is None else _BINARY
        return
    for size in (100, 2**32 - 1):
        body, blobs = parts(server, position, struct.pack("<I", size) + b"abc")
        yield from refused(server.infer_binary(body, blobs))
    body, blobs = parts(server, position, b"\1\0")
    yield from refused(server.infer_binary(body, blobs))


@rule("unclear", _BLOB + "; nothing is said of what is not UTF-8")
def bytes_that_are_no_text(server: Server) -> Iterator[Seen]:
    """Binary texts may be any bytes, but JSON can only answer with UTF-8."""
    position = _position(server)
    if position is None or "binary_tensor_data" not in server.extensions:
        yield _NONE if position is None else _BINARY
        return
    count = len(flat(server.good_inputs()[position].get("data")))
    blob = (struct.pack("<I", 2) + b"\xff\xfe") * count
    body, blobs = parts(server, position, blob)
    answer = server.infer_binary(body, blobs)
    if answer.ok and not answer.is_json and not bare(answer):
        yield Fault("The answer is no JSON.", answer, "must")
    yield from chosen("bytes that are not UTF-8", answer)


RULES = (
    texts_of_any_letters,
    number_as_a_text,
    texts_come_back_as_texts,
    text_beyond_the_end,
    bytes_that_are_no_text,
)

__all__ = ["RULES"]
