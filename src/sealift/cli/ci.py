"""Files for CI systems: the same commands that run on any machine."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

from sealift.cli.faults import refusal
from sealift.errors import UsageError

System = Literal["github"]
PLACES: dict[System, str] = {"github": ".github/workflows/model.yml"}
"""Where each system looks for what it is to do."""


def require_free(folder: Path, system: System) -> None:
    """Raises ``UsageError`` where the file is there already."""
    place = folder / PLACES[system]
    if place.exists():
        raise UsageError(
            f"{PLACES[system]} would be overwritten.",
            where=str(folder.resolve()),
            remedy="Move it away, and take from both what you need.",
        )


def write(folder: Path, system: System) -> str:
    """Write the file; its path in the folder. Raises ``MachineError`` where it cannot be."""
    place = folder / PLACES[system]
    text = (files("sealift.cli") / "template" / f"{system}.yml").read_text(encoding="utf-8")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise refusal(error, str(place)) from error
    return PLACES[system]


__all__ = ["PLACES", "System", "require_free", "write"]
