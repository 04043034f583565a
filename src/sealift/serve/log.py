"""What happens to the server, one JSON object a line, on standard output."""

from __future__ import annotations

import sys
import traceback

import msgspec

from sealift import clock
from sealift.types import Json


def event(name: str, **details: Json) -> None:
    """Write one line: when, what, and the details."""
    line = {"at": clock.stamp(clock.now()), "event": name, **details}
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def fault(error: BaseException | None, what: str) -> None:
    """Write one line about an error that nobody foresaw, and where it was raised."""
    event("fault", what=what, **raised(error))


def raised(error: BaseException | None) -> dict[str, Json]:
    """What a line says of an error; nothing of none."""
    if error is None:
        return {}
    return {"error": str(error), "trace": "".join(traceback.format_exception(error))}


__all__ = ["event", "fault", "raised"]
