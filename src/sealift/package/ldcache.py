"""The dynamic linker's cache of libraries, as ldconfig writes it.

Format: glibc, sysdeps/generic/dl-cache.h, ``struct cache_file_new``; the older form that may stand
before it is passed over.
"""

from __future__ import annotations

import struct

PLACE = "etc/ld.so.cache"
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("<20sIIB3xI12x")
_ENTRY = struct.Struct("<iIIIQ")
_MOST = 100_000


def read(content: bytes) -> dict[str, str]:
    """The paths of libraries by their names; the first of a name counts.

    Entries that are for certain processors only are left out. A damaged cache is as good as none,
    to the linker too.
    """
    start = content.find(_MAGIC)
    if start < 0 or len(content) < start + _HEADER.size:
        return {}
    count = min(_HEADER.unpack_from(content, start)[1], _MOST)
    found: dict[str, str] = {}
    for number in range(count):
        at = start + _HEADER.size + number * _ENTRY.size
        if at + _ENTRY.size > len(content):
            return {}
        _, name, path, _, special = _ENTRY.unpack_from(content, at)
        if not special:
            found.setdefault(_text(content, start + name), _text(content, start + path))
    return {name: path for name, path in found.items() if name and path}


def _text(content: bytes, offset: int) -> str:
    return content[offset : offset + 4096].partition(b"\0")[0].decode(errors="replace")


__all__ = ["PLACE", "read"]
