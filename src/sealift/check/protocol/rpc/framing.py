"""Messages as bytes: what is no message, what is more than one, compressed ones, large ones."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from sealift.check.protocol.rpc.call import Call, Heard, framed
from sealift.check.protocol.rpc.inference import same
from sealift.check.protocol.rpc.messages import ASKED
from sealift.check.protocol.rpc.refusal import chosen, in_form, refused
from sealift.check.protocol.rpc.remote import INFER, Remote
from sealift.check.protocol.rpc.wire import block, loose, varint, written
from sealift.check.protocol.rule import Fault, Seen, Spared, rule, transport

_ENCODING = "Protocol buffers, Encoding: "
_CODES = "Status codes"
_PARSE = ("INTERNAL", "INVALID_ARGUMENT")
_LARGEST = 2**32 - 1


def _message(remote: Remote) -> bytes:
    return written(ASKED, remote.good())


def _sent(remote: Remote, message: bytes, note: str = "") -> Call:
    return remote.send(INFER, framed(message), note=note)


@rule("must", transport(_CODES, "error parsing a request"))
def bytes_that_are_no_message(remote: Remote) -> Iterator[Seen]:
    """Bytes that are no message are an error, INTERNAL or INVALID_ARGUMENT."""
    good = _message(remote)
    tries = (
        good[:-1],  # cut off
        b"\xff" * 11,  # a number without an end
        b"\x0a\xff\xff\xff\xff\x07",  # a text of two gigabytes that does not come
        block(1, b"\xff\xfe") + good,  # a text that is not UTF-8
        b"\x0f",  # a kind of member that does not exist
    )
    for wrong in tries:
        yield from refused(_sent(remote, wrong), *_PARSE)


@rule("must", "RFC 9113 (HTTP/2): 5.1, closed")
def nothing_after_the_end(remote: Remote) -> Iterator[Seen]:
    """A call is answered once: after the end of its stream nothing comes on it any more."""
    good = framed(_message(remote))
    for body, value in ((good, remote.good()), (framed(b"\xff" * 11), None)):
        try:
            with remote.channel() as channel:
                number = channel.open(INFER, {})
                channel.send(number, body)
                channel.answer(number)
                channel.ping()  # what was sent before its answer has come by then
                heard = channel.answer(number)
        except OSError as error:
            heard = Heard(lost=str(error))
        note = "with a PING after its end"
        call = Call(remote.place, INFER, {}, body, value, heard, note)
        if not call.answered:
            yield Fault("No answer comes.", call)
        elif heard.after:
            yield Fault(f"{heard.after} frames come after the end of the call.", call)


@rule("must", _ENCODING + "unknown fields")
def unknown_members(remote: Remote) -> Iterator[Seen]:
    """Members that a message does not know are passed over, as newer clients send them."""
    more = block(1000, b"new") + varint(1001 << 3) + b"\x07" + varint(1002 << 3 | 5) + b"abcd"
    yield from same(remote, _sent(remote, more + _message(remote)), "A message with new members")


@rule("must", _ENCODING + "packed repeated fields, and the order of fields")
def numbers_one_by_one(remote: Remote) -> Iterator[Seen]:
    """Repeated numbers are taken whether they are packed or stand one by one, in any order."""
    pieces = []
    for one in remote.given:
        tensor = loose(3, "int64", [*one.shape])
        tensor += block(2, one.datatype.encode()) + block(1, one.name.encode())
        pieces.append(block(5, tensor))
    blobs = b"".join(block(7, one.raw) for one in remote.given)
    message = blobs + b"".join(pieces) + block(1, remote.model.encode())
    yield from same(remote, _sent(remote, message), "A message with numbers one by one")


@rule("must", _ENCODING + "last one wins")
def repeated_members(remote: Remote) -> Iterator[Seen]:
    """Of a member that may be there once and comes twice, the last counts."""
    message = block(1, b"no-such-model") + _message(remote)
    yield from same(remote, _sent(remote, message), "A message that names the model twice")


@rule("should", transport("gRPC over HTTP2", "Length-Prefixed-Message"))
def message_that_is_cut_off(remote: Remote) -> Iterator[Seen]:
    """A message shorter than its prefix says, or half a prefix, is an error."""
    whole = framed(_message(remote))
    for body in (whole[:-3], whole[:3]):
        call = remote.send(INFER, body)
        yield from refused(call, *_PARSE, "UNIMPLEMENTED", "CANCELLED", "UNKNOWN")


@rule("should", transport(_CODES, "request cardinality"))
def not_one_message(remote: Remote) -> Iterator[Seen]:
    """A call with no message or with two is an error, as each has exactly one."""
    whole = framed(_message(remote))
    fitting = ("UNIMPLEMENTED", *_PARSE)
    yield from refused(remote.send(INFER, b"", note="no message at all"), *fitting)
    yield from refused(remote.send(INFER, whole + whole), *fitting)


@rule("should", transport(_CODES, "message larger than the limit"))
def message_too_large(remote: Remote) -> Iterator[Seen]:
    """A message that is said to have four gigabytes is turned down with RESOURCE_EXHAUSTED."""
    note = "the prefix tells four gigabytes, of which a few bytes come"
    body = b"\0" + _LARGEST.to_bytes(4, "big") + b"\x0a\x01a"
    yield from refused(remote.send(INFER, body, note=note), "RESOURCE_EXHAUSTED")


@rule("unclear", transport("Compression", "the algorithms are the server's choice"))
def compressed_message(remote: Remote) -> Iterator[Seen]:
    """A message compressed with gzip may be taken, or refused with UNIMPLEMENTED."""
    body = framed(gzip.compress(_message(remote)), 1)
    call = remote.send(INFER, body, metadata={"grpc-encoding": "gzip"})
    yield from chosen("gzip", call, "UNIMPLEMENTED")
    if call.ok:
        yield from same(remote, call, "A compressed message")


@rule("must", transport("Compression", "an algorithm that the server does not support"))
def unknown_compression(remote: Remote) -> Iterator[Seen]:
    """An unknown encoding gets UNIMPLEMENTED, and the header that tells the known ones."""
    body = framed(b"\0" * 20, 1)
    call = remote.send(INFER, body, metadata={"grpc-encoding": "x-own"})
    yield from refused(call, "UNIMPLEMENTED")
    told = {**call.heard.headers, **call.heard.trailers}
    if call.ended and call.status == "UNIMPLEMENTED" and "grpc-accept-encoding" not in told:
        yield Fault("There is no grpc-accept-encoding.", call, "should")


@rule("must", transport("Compression", "the flag without an encoding"))
def compressed_without_encoding(remote: Remote) -> Iterator[Seen]:
    """A message marked as compressed without grpc-encoding is an error, best INTERNAL."""
    call = remote.send(INFER, framed(gzip.compress(_message(remote)), 1))
    yield from refused(call, "INTERNAL", "INVALID_ARGUMENT", "UNIMPLEMENTED")


@rule("must", transport(_CODES, "could not decompress"))
def compressed_wrongly(remote: Remote) -> Iterator[Seen]:
    """Bytes that are not what grpc-encoding says are an error, best INTERNAL."""
    call = remote.send(INFER, framed(b"hello", 1), metadata={"grpc-encoding": "gzip"})
    yield from refused(call, *_PARSE, "UNIMPLEMENTED")


@rule("should", transport(_CODES, "message larger than the limit"))
def message_that_swells(remote: Remote) -> Iterator[Seen]:
    """A small message that becomes a very large one is refused, or answered, and does no harm."""
    swollen = gzip.compress(bytes(32 << 20))
    note = "32 MiB of zeros, compressed"
    call = remote.send(INFER, framed(swollen, 1), metadata={"grpc-encoding": "gzip"}, note=note)
    if not call.answered:
        yield Fault("No answer comes.", call)
    elif call.status == "UNIMPLEMENTED":
        yield Spared("the server does not take gzip")
    elif not call.ok:
        yield from in_form(call, "RESOURCE_EXHAUSTED", *_PARSE)


@rule("must", transport(_CODES, "error parsing a request"))
def server_lives_on(remote: Remote) -> Iterator[Seen]:
    """After all these bytes a valid message is answered as before."""
    yield from same(remote, _sent(remote, _message(remote)), "The valid message")


RULES = (
    bytes_that_are_no_message,
    nothing_after_the_end,
    unknown_members,
    numbers_one_by_one,
    repeated_members,
    message_that_is_cut_off,
    not_one_message,
    message_too_large,
    compressed_message,
    unknown_compression,
    compressed_without_encoding,
    compressed_wrongly,
    message_that_swells,
    server_lives_on,
)

__all__ = ["RULES"]
