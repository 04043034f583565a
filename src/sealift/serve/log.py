"""What happens to the server, one JSON object a line, on standard output."""

from __future__ import annotations

import sys

import msgspec

from sealift import clock
from sealift.types import Json


def event(name: str, **details: Json) -> None:
    """Write one line: when, what, and the details."""
    line = {"at": clock.stamp(clock.now()), "event": name, **details}
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


__all__ = ["event"]
