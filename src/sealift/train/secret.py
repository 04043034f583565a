"""Secrets of a step: read where they are when it starts, and kept nowhere.

Their values reach the command as variables. They are in no record, no key and no image; what a
command prints of them is hidden in its log, and an output that holds one is refused.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from sealift.errors import StepError

HIDDEN = b"***"
SHORTEST = 4
"""Bytes of the shortest secret that is looked for in logs and outputs; shorter ones are words."""
_PIECE = 1 << 20


def read(sources: Mapping[str, str], root: Path, *, step: str) -> dict[str, str]:
    """The values by variable: of "env:NAME" a variable of ours, of "file:PATH" a file's content.

    A path is below the project ``root``, below the home folder with ``~``, or absolute; a line end
    at the end of the file does not belong to the secret. Raises ``StepError`` where there is none.
    """
    return {
        name: _value(source, root, f"sealift.toml: steps.{step}.secrets.{name}")
        for name, source in sources.items()
    }


def _value(source: str, root: Path, where: str) -> str:
    kind, _, place = source.partition(":")
    if kind == "env":
        value = os.environ.get(place, "")
        if not value:
            raise StepError(
                f"The secret is not there: the variable {place} is not set.",
                where=where,
                remedy=f"Set it for this command: {place}=... sealift train.",
            )
        return value
    try:
        value = (root / Path(place).expanduser()).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StepError(
            f"The secret cannot be read from {place}: {reason}.",
            where=where,
            remedy="Correct the path, or give yourself read permission.",
        ) from error
    if not value or "\0" in value:
        raise StepError(f"The secret in {place} is empty, or no text.", where=where)
    return value


def hide(log: Path, values: Collection[str]) -> None:
    """Replace secrets in a log by three stars; the file keeps its place."""
    wanted = _wanted(values)
    if not wanted or not log.exists():
        return
    content = hidden = log.read_bytes()
    for value in wanted:
        hidden = hidden.replace(value, HIDDEN)
    if hidden != content:
        new = log.with_name(f".{log.name}.new")
        new.write_bytes(hidden)
        new.replace(log)


def refuse(outputs: Mapping[str, Path], values: Collection[str], *, step: str) -> None:
    """Raises ``StepError`` that names an output which holds a secret: nothing of it is kept."""
    wanted = _wanted(values)
    for name, path in outputs.items():
        for file in _files(path) if wanted else ():
            if _holds(file, wanted):
                raise StepError(
                    f"Step {step!r} wrote a secret to its output {name!r}; nothing is kept.",
                    where=str(file),
                    remedy="Leave it out: outputs are kept by digest, and shared.",
                )


def _wanted(values: Collection[str]) -> list[bytes]:
    """What is looked for, the longest first: one secret may be the beginning of another."""
    found = {value.encode() for value in values}
    return sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (one for one in sorted(path.rglob("*")) if one.is_file())
    else:
        yield path


def _holds(file: Path, wanted: Collection[bytes]) -> bool:
    """Whether a file holds one of them, also across two pieces that are read."""
    longest = max(map(len, wanted))
    with file.open("rb") as stream:
        before = b""
        while piece := stream.read(_PIECE):
            if any(one in before + piece for one in wanted):
                return True
            before = piece[-longest:]
    return False


__all__ = ["hide", "read", "refuse"]
