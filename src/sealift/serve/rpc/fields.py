"""Header fields: read within bounds, and written so that no state is shared with the client.

Clients send the same fields with every call, in the same few bytes once both sides know them;
what such bytes mean is kept. Format: RFC 7541; what a request must have: RFC 9113, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hpack import Decoder
from hpack.exceptions import HPACKError, OversizedHeaderListError

from sealift.serve.rpc.frames import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, FaultError

LIST = 1 << 14
"""Bytes of the metadata of a call, each field with 32 more, as RFC 9113 counts them."""

KEPT = 8
"""Blocks whose meaning is kept."""

BRIEF = 512
"""Bytes that such a block has at most."""

MEANT = 1024
"""Bytes of what it means, counted as ``LIST`` is."""

OWN = 32
"""Bytes that each field counts beside its name and value (RFC 9113, 6.5.2)."""

FORGET = b"\x20"
"""Goes before the first fields that are sent: the table of the client stays empty."""

_OF_REQUESTS = frozenset((":method", ":path", ":scheme", ":authority"))
_NEEDED = frozenset((":method", ":path", ":scheme"))
_OF_CONNECTIONS = frozenset(
    ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade")
)

Metadata = Mapping[str, str]


class Fields:
    """Reads the blocks of fields of a connection."""

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=LIST)
        self._known: dict[bytes, Metadata | None] = {}

    def request(self, block: bytes) -> Metadata | None:
        """The fields of a request by their names; None for one that is malformed.

        Raises ``FaultError`` for what cannot be decoded, or is too large.
        """
        if block in self._known:
            return self._known[block]
        table = self._decoder.header_table
        entries = table.dynamic_entries
        before = (table.maxsize, len(entries), entries[0] if entries else None)
        found = _request(self._pairs(block))
        after = (table.maxsize, len(entries), entries[0] if entries else None)
        if before[:2] != after[:2] or before[2] is not after[2]:
            # what was kept meant something by the table as it was
            self._known.clear()
        elif len(block) <= BRIEF and sum(map(_size, found.items() if found else ())) <= MEANT:
            if len(self._known) == KEPT:
                self._known.clear()
            self._known[block] = found
        return found

    def trailers(self, block: bytes) -> bool:
        """Whether a block may stand behind a message; what it says is not needed."""
        self._known.clear()
        return not any(name.startswith(b":") for name, _ in self._pairs(block))

    def _pairs(self, block: bytes) -> list[tuple[bytes, bytes]]:
        try:
            return [(bytes(name), bytes(value)) for name, value in self._read(block)]
        except OversizedHeaderListError as error:
            raise FaultError(ENHANCE_YOUR_CALM, f"metadata is more than {LIST} bytes") from error
        except HPACKError as error:
            raise FaultError(COMPRESSION_ERROR, "header fields cannot be read") from error

    def _read(self, block: bytes) -> Iterable[tuple[bytes, bytes]]:
        found: Iterable[tuple[bytes, bytes]] = self._decoder.decode(block, raw=True)
        return found


def _request(pairs: list[tuple[bytes, bytes]]) -> Metadata | None:
    found: dict[str, str] = {}
    ordinary = False
    for raw, content in pairs:
        name, value = raw.decode("latin-1"), content.decode("latin-1")
        if name.startswith(":"):
            if ordinary or name in found or name not in _OF_REQUESTS:
                return None
        else:
            ordinary = True
        if (
            name != name.lower()
            or name in _OF_CONNECTIONS
            or (name == "te" and value != "trailers")
        ):
            return None
        found[name] = value
    return found if found.keys() >= _NEEDED and found[":path"] else None


def written(fields: Iterable[tuple[str, str]]) -> bytes:
    """Fields as they are sent, each with its name in full.

    >>> written([("grpc-status", "0")])
    b'\\x00\\x0bgrpc-status\\x010'
    """
    return b"".join(
        b"\x00" + _text(name.encode("latin-1")) + _text(value.encode("latin-1"))
        for name, value in fields
    )


def _size(field: tuple[str, str]) -> int:
    return OWN + len(field[0]) + len(field[1])


def _text(content: bytes) -> bytes:
    length = len(content)
    if length < 127:
        return b"%c%b" % (length, content)
    told = bytearray(b"\x7f")
    length -= 127
    while length > 127:
        told.append(length & 127 | 128)
        length >>= 7
    told.append(length)
    return bytes(told) + content


__all__ = ["FORGET", "LIST", "Fields", "Metadata", "written"]
