"""Addresses as they may be shown: without who asks, and without what a query may hold."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)(?:[^/?#\s]*@|[^/?#\s:\[]*:(?!\d+[/?#])\S*@)")
_QUERY = re.compile(r"(?<=\?)[^\s\"'<>]+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
_HIDDEN = "***"


def hidden(text: str) -> str:
    """A text in which no address tells a name, a password or a query.

    >>> hidden("nothing at https://me:secret@host.example/simple?token=1 is known")
    'nothing at https://***@host.example/simple?*** is known'
    """
    return _ADDRESS.sub(lambda found: _QUERY.sub(_HIDDEN, _USER.sub(f"{_HIDDEN}@", found[0])), text)


__all__ = ["hidden"]
