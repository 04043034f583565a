"""What the container tells those who started it: lines of JSON."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


class Failure(Exception):  # noqa: N818 - the word that is told
    """It cannot be done; said in the parts that an error of Sealift's has."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.remedy = what, where, remedy


def say(event: str, **details: Any) -> None:
    """Write an event to the log."""
    sys.stdout.write(json.dumps({"event": event, **details}) + "\n")
    sys.stdout.flush()


def need(module: str, *lines: str, why: str, requirements: str) -> Any:
    """A module of the user's packages.

    Raises ``Failure`` that names the lines that are missing from the requirements.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        wanted = lines if missing == module.partition(".")[0] else (missing,)
        raise Failure(
            f"{why} needs the package {wanted[0]!r}, which the image of the steps does not have.",
            where=requirements,
            remedy=f"Add to {requirements}: {', '.join(wanted)}. Then run `sealift train` again.",
        ) from error


__all__ = ["Failure", "need", "say"]
