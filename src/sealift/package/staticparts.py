"""Libraries that are linked into a program, by what they themselves say in it.

No package of a distribution tells of these, so that scanners would pass them over. The texts are
those that the libraries put into every program: see each one's own sources for its version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sealift.archive import Entry

_SAYS = {
    "bzip2": rb"(1\.0\.\d), \d{1,2}-[A-Z][a-z]{2}-\d{4}",
    "expat": rb"expat_(\d+\.\d+\.\d+)\b",
    "ncurses": rb"ncurses (\d+\.\d+\.\d{8})\b",
    "openssl": rb"OpenSSL (\d+\.\d+\.\d+[a-z]?) +\d{1,2} [A-Z][a-z]{2} \d{4}",
    "zig": rb"Zig (\d+\.\d+\.\d+) std\b",
    "zlib": rb"deflate (\d+\.\d+(?:\.\d+)*) Copyright",
}
# each begins with what is sought fast: programs have tens of megabytes
_PATTERNS = {name: re.compile(says) for name, says in _SAYS.items()}


def found(files: Iterable[Entry]) -> dict[str, str]:
    """The version of each library that files have in them, by name.

    >>> found([Entry(name="a", kind="file", content=b"x OpenSSL 3.0.15 3 Sep 2024 y")])
    {'openssl': '3.0.15'}
    """
    made: dict[str, str] = {}
    for one in files:
        content = one.content if isinstance(one.content, bytes) else one.content.read_bytes()
        made = {**said(content), **made}
    return dict(sorted(made.items()))


def said(content: bytes) -> dict[str, str]:
    """The same for the bytes of one file."""
    matches = {name: pattern.search(content) for name, pattern in _PATTERNS.items()}
    return {name: match[1].decode() for name, match in matches.items() if match}


__all__ = ["found", "said"]
