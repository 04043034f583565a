"""The options that several commands share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from sealift.errors import UsageError
from sealift.folders import private, require_writable
from sealift.wiring import Wired, find

Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the answer as JSON on standard output.")
]
Where: TypeAlias = Annotated[
    Path, typer.Option("--project", "-C", help="The project's folder, or one below it.")
]
Version: TypeAlias = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Model version or alias; the newest if absent."),
]
Environment: TypeAlias = Annotated[
    str, typer.Option("--env", help="Environment of the project file; this machine if absent.")
]
Comment: TypeAlias = Annotated[
    str, typer.Option("--why", "--comment", help="Why; kept in the record.")
]
Hermetic: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--hermetic", help="Build no wheel: refuse what is neither in the store nor the registry."
    ),
]
HERE = Path()


def project(where: Path) -> Wired:
    """The project at or above a folder, wired."""
    return Wired(find(where))


def workplace(where: Path, *, hermetic: bool = False) -> Wired:
    """The project at or above a folder, for a command that changes it.

    While ``hermetic`` no wheel is built, nor where SEALIFT_HERMETIC says so. Raises
    ``MachineError`` where it may only be read.
    """
    wired = project(where)
    wired.hermetic |= hermetic
    require_writable(wired.folders.state)
    private(wired.folders.state)
    return wired


def finite(value: float | None) -> float | None:
    """An option's number as it is; raises ``BadParameter`` for NaN, which limits let through."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a number.")
    return value


def assignments(words: list[str]) -> dict[str, str]:
    """``name=value`` words as a mapping.

    >>> assignments(["depth=6", "train.seed=1"])
    {'depth': '6', 'train.seed': '1'}
    """
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(
                f"{word!r} is not a parameter.", remedy="Write NAME=VALUE, such as depth=6."
            )
        pairs[name] = value
    return pairs


__all__ = [
    "HERE",
    "Comment",
    "Environment",
    "Hermetic",
    "Json",
    "Version",
    "Where",
    "assignments",
    "finite",
    "project",
    "workplace",
]
