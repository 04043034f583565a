"""Values over gRPC: BYTES of any kind, and numbers that are none."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from sealift.check.protocol.rpc.contents import Given
from sealift.check.protocol.rpc.inference import found_in, same
from sealift.check.protocol.rpc.refusal import chosen, in_form, refused
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Fault, Seen, Spared, extension, grpc, rule

_NONE = Spared("the model has no input of BYTES")
_LENGTH = extension("binary tensor data", "BYTES") + "; the protocol's own text has nothing of it"


def _texts(remote: Remote) -> tuple[int, Given] | None:
    """The first input of texts, and its place."""
    for position, one in enumerate(remote.given):
        if one.datatype == "BYTES" and one.elements:
            return position, one
    return None


def _with(remote: Remote, position: int, other: Given) -> list[Given]:
    given = [*remote.given]
    given[position] = other
    return given


@rule("should", _LENGTH)
def raw_texts_have_a_length(remote: Remote) -> Iterator[Seen]:
    """In raw contents each element of BYTES stands after its length, in four bytes."""
    found = _texts(remote)
    if found is None:
        yield _NONE
        return
    yield from same(remote, remote.infer(remote.good(raw=True)), "A raw text with its length")
    position, one = found
    blobs = [each.raw for each in remote.given]
    blobs[position] = b"".join(one.elements)
    yield from refused(remote.infer(remote.good(raw=True, raw_input_contents=blobs)))


@rule("should", _LENGTH)
def text_beyond_the_end(remote: Remote) -> Iterator[Seen]:
    """A raw text that is said to be longer than what is left is refused."""
    found = _texts(remote)
    if found is None:
        yield _NONE
        return
    position, _ = found
    for wrong in (struct.pack("<I", 100) + b"abc", struct.pack("<I", 2**32 - 1) + b"a", b"\1\0"):
        blobs = [each.raw for each in remote.given]
        blobs[position] = wrong
        yield from refused(remote.infer(remote.good(raw=True, raw_input_contents=blobs)))


@rule("should", grpc("InferTensorContents, bytes_contents"))
def texts_of_any_letters(remote: Remote) -> Iterator[Seen]:
    """Texts of any alphabet, with NUL, long or empty, are taken or refused in form."""
    found = _texts(remote)
    if found is None:
        yield _NONE
        return
    position, one = found
    for text in ("Zoë 🛫 中".encode(), b"a\0b", b"", b"x" * 70_000):
        other = replace(one, elements=(text, *one.elements[1:]))
        for raw in (False, True) if remote.typed else (True,):
            call = remote.infer(remote.good(_with(remote, position, other), raw=raw))
            if not call.answered:
                yield Fault("No answer comes.", call)
            elif not call.ok:
                yield from in_form(call)


@rule("unclear", grpc("InferTensorContents, bytes_contents; nothing is said of what is not UTF-8"))
def bytes_that_are_no_text(remote: Remote) -> Iterator[Seen]:
    """BYTES are any bytes here, but REST has only texts in UTF-8."""
    found = _texts(remote)
    if found is None:
        yield _NONE
        return
    position, one = found
    other = replace(one, elements=(b"\xff\xfe",) * len(one.elements))
    call = remote.infer(remote.good(_with(remote, position, other)))
    yield from chosen("bytes that are not UTF-8", call)


@rule("unclear", grpc("Tensor Data; contradiction 7, nothing is said of NaN"))
def not_a_number(remote: Remote) -> Iterator[Seen]:
    """NaN and infinity have a form in gRPC; whether a model takes them is open."""
    kinds = [one.datatype in ("FP16", "FP32", "FP64") for one in remote.given]
    if True not in kinds:
        yield Spared("the model has no input of fractions")
        return
    position = kinds.index(True)
    one = remote.given[position]
    for words, value in (("NaN", float("nan")), ("infinity", float("inf"))):
        other = replace(one, elements=(value, *one.elements[1:]))
        call = remote.infer(remote.good(_with(remote, position, other)))
        yield from chosen(words, call)
        answer = found_in(call) if call.ok else {}
        if isinstance(answer, Fault):
            yield answer


RULES = (
    raw_texts_have_a_length,
    text_beyond_the_end,
    texts_of_any_letters,
    bytes_that_are_no_text,
    not_a_number,
)

__all__ = ["RULES"]
