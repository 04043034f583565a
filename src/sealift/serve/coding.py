"""Compressed bodies: gzip and deflate, inflated within a bound."""

from __future__ import annotations

import zlib

from sealift.serve.refusal import RefusalError

CODINGS = ("gzip", "deflate")
LEVEL = 1
"""Of 9: the fastest, since the network is rarely what an answer waits for."""

RATIO = 1032
"""The most bytes that one byte of deflate can become."""

_AUTO = 32 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_WRITTEN = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def inflated(body: bytes, limit: int) -> bytes:
    """A compressed body, at most ``limit`` bytes of it.

    ``deflate`` is taken with or without zlib's header, as clients send both. Raises
    ``RefusalError``: 413 as soon as the bound is passed, 400 for what is damaged or cut off.
    """
    pieces: list[bytes] = []
    size = 0
    rest = body
    try:
        while rest:
            inflater = zlib.decompressobj(_RAW if rest is body and _is_raw(body) else _AUTO)
            pieces.append(inflater.decompress(rest, limit - size + 1))
            size += len(pieces[-1])
            if size > limit:
                raise too_large(limit)
            if not inflater.eof:
                raise _damaged("it ends early")
            rest = inflater.unused_data
    except zlib.error as error:
        raise _damaged("its bytes are no gzip or deflate") from error
    return b"".join(pieces)


def at_once(body: bytes, limit: int) -> bytes | None:
    """What ``inflated`` gives; None for what takes longer than a thread would, which is known once
    ``LARGE`` bytes of it are. Raises as that does.
    """
    if len(body) > LARGE:
        return None
    try:
        return inflated(body, min(limit, LARGE))
    except RefusalError as refusal:
        if refusal.status != 413 or limit <= LARGE:
            raise
        return None


def deflated(body: bytes, coding: str) -> bytes:
    """A body compressed with one of ``CODINGS``; ``deflate`` with zlib's header."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _WRITTEN[coding])
    return packer.compress(body) + packer.flush()


SMALL = 1024
"""Bytes of an answer up to which compressing it gains nothing."""

LARGE = 1 << 16
"""Bytes, plain or compressed, from which a thread compresses an answer, or inflates a body."""


def accepted(header: str) -> str:
    """The coding that ``Accept-Encoding`` likes best; "" for none.

    >>> accepted("br, gzip;q=0.5, deflate"), accepted("gzip;q=0"), accepted("*")
    ('deflate', '', 'gzip')
    """
    best, liked = "", 0.0
    for choice in header.lower().split(","):
        name, _, weight = choice.partition(";")
        name = "gzip" if name.strip() == "*" else name.strip()
        if name in CODINGS and (quality := _quality(weight)) > liked:
            best, liked = name, quality
    return best


def too_large(limit: int) -> RefusalError:
    """413, with the bound."""
    return RefusalError(
        f"The body is larger than {limit} bytes; send fewer rows at once.",
        code="too_large",
        status=413,
    )


def _quality(weight: str) -> float:
    text = weight.strip().removeprefix("q=")
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def _is_raw(body: bytes) -> bool:
    # RFC 1950: method 8 in the low bits, and the first two bytes a multiple of 31
    zlib_header = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return not zlib_header and body[:2] != b"\x1f\x8b"


def _damaged(why: str) -> RefusalError:
    return RefusalError(
        f"The body cannot be decompressed: {why}.", code="malformed_coding", path="Content-Encoding"
    )


__all__ = ["CODINGS", "RATIO", "accepted", "deflated", "inflated", "too_large"]
