"""W3C trace context: the ``traceparent`` that a request carries, passed on."""

from __future__ import annotations

import re

from sealift import clock

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Trace:
    """A request's place in a trace: ``id`` of the trace, and the ``span`` of the answer in it."""

    __slots__ = ("flags", "id", "span")

    def __init__(self, identifier: str, flags: str) -> None:
        self.id = identifier
        self.flags = flags
        self.span = clock.token(16)

    @property
    def header(self) -> str:
        """The value of ``traceresponse``."""
        return f"00-{self.id}-{self.span}-{self.flags}"


def parsed(header: str | None) -> Trace | None:
    """The trace that a header names; None for none, and for one that is not well-formed.

    By the recommendation a malformed header is ignored, as are ids of zeros alone; of later
    versions the known part is read.

    >>> parsed("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").id
    '4bf92f3577b34da6a3ce929d0e0e4736'
    """
    if not header or (found := _FORM.fullmatch(header)) is None:
        return None
    identifier, parent, flags, more = found.groups()
    if not identifier.strip("0") or not parent.strip("0") or (more and header.startswith("00")):
        return None
    return Trace(identifier, flags)


__all__ = ["Trace", "parsed"]
