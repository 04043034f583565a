"""From the text of ``sealift.toml`` to a project, or to the one error that helps most."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
from msgspec import inspect

from sealift.errors import ProjectError
from sealift.record import graph
from sealift.record.network import telling
from sealift.record.pipelines import Read, joined, place
from sealift.record.project import Project
from sealift.record.shape import Fault, faults

_KIND = inspect.type_info(Project)
_VARIABLES = {
    "network.proxy": "the environment variables HTTPS_PROXY and HTTP_PROXY",
    "network.index": "the environment variable UV_DEFAULT_INDEX",
    "network.extra_indexes": "the environment variable UV_INDEX",
    "network.mirror": "the environment variable SEALIFT_MIRROR",
    "network.security_mirror": "the environment variable SEALIFT_SECURITY_MIRROR",
    "network.snapshot": "the environment variable SEALIFT_SNAPSHOT",
}
_MOVED = {
    "registry": "Its keys are in [network] now: network.insecure and network.ca.",
    "image.mirror": "It is in [network] now: network.mirror.",
}


def alone(file: str) -> str:
    """In place of files where there are none beside the text."""
    raise ProjectError(f"There is no file {file!r}.", where=file, remedy="Correct its path.")


def parse(text: str, *, where: str, read: Read = alone) -> Project:
    """The project that ``text`` describes; ``where`` names its file in errors.

    ``read`` gives the text of another file of the project, of which pipelines are made. Raises
    ``ProjectError`` that names the file, the key and the remedy: for broken TOML, unknown or
    missing keys, values of a wrong kind, and references that lead nowhere or in a circle.

    >>> parse('name = "flights"', where="sealift.toml").image.python
    '3.13'
    """
    data = joined(_load(text, where), lambda file: _load(read(file), file))
    found = sorted(faults(data, _KIND), key=lambda fault: fault.rank)
    if found:
        raise _error(found[0], where, data)
    try:
        project = msgspec.convert(data, Project)
    except msgspec.ValidationError as error:
        raise ProjectError(f"{error}.", where=where, remedy="Mend this key.") from error
    if (fault := next(chain(_secrets(project), graph.faults(project)), None)) is not None:
        raise _error(fault, where, data)
    return project


def _secrets(project: Project) -> Iterator[Fault]:
    """The project file goes into version control, and into the record of every run."""
    for path, address in project.network.addresses.items():
        if telling(address):
            what = "The address holds a name or a password, which would be kept in every record."
            remedy = (
                f"Take it out, and put the whole address into {_VARIABLES[path.split('[')[0]]}."
            )
            yield Fault(2, path, what, remedy)


def _load(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise _syntax(str(error), text, where) from error
    except (ValueError, RecursionError) as error:
        raise ProjectError(
            "The file holds a number too long, or tables too deep, to be read.",
            where=where,
            remedy="Look for what does not belong into a project file.",
        ) from error


def _syntax(message: str, text: str, where: str) -> ProjectError:
    place = re.search(r" \(at (line (\d+), column \d+|end of document)\)$", message)
    if place is None:
        return ProjectError(f"This is not TOML: {message}.", where=where, remedy="Mend the file.")
    lines = text.splitlines()
    number = int(place[2]) if place[2] else len(lines)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return ProjectError(
        f"This is not TOML: {message[: place.start()]}.",
        where=f"{where}: {place[1]}",
        remedy=f"Mend line {number}: {line[:80]}" if line else "Mend the file at its end.",
    )


def _error(fault: Fault, where: str, data: dict[str, Any]) -> ProjectError:
    """The error for a fault, with the place that a person has to look at."""
    file, path = place(data, fault.path) or (where, fault.path)
    at = f"{file}: {path}" if path else file
    return ProjectError(fault.what, where=at, remedy=_MOVED.get(fault.path, fault.remedy))


__all__ = ["parse"]
