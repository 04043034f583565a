"""Known vulnerabilities in the form that OSV publishes, and the versions that they affect.

Sources: OSV format 1.7 (affected, ranges, events and the algorithm that evaluates them); PEP 440
for the order of Python's versions, Debian Policy 5.6.12 for that of Debian's.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from functools import cmp_to_key
from pathlib import Path
from typing import Any

import msgspec
from packaging.version import InvalidVersion, Version

from sealift.check import debian_version
from sealift.errors import DataError
from sealift.record.reading import decode

_ZERO = "0"
LARGEST = 16 << 20
"""The size of an entry that is read, in bytes; most have a few thousand."""


class Package(msgspec.Struct, frozen=True):
    """Whose package, and its name there."""

    ecosystem: str = ""
    name: str = ""


class Event(msgspec.Struct, frozen=True):
    """A version from which on something holds; one of these is given."""

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class Range(msgspec.Struct, frozen=True):
    """Versions in their order, or commits, which are not looked at."""

    type: str
    events: tuple[Event, ...] = ()


class Urgency(msgspec.Struct, frozen=True):
    """What Debian thinks of a vulnerability."""

    urgency: str = ""


class Affected(msgspec.Struct, frozen=True):
    """A package, and which versions of it."""

    package: Package = Package()
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    ecosystem_specific: msgspec.Raw | None = None

    @property
    def unimportant(self) -> bool:
        """Whether Debian says that it does no harm as packaged."""
        if self.ecosystem_specific is None:
            return False
        try:
            said = decode(bytes(self.ecosystem_specific), Urgency)
        except ValueError:
            return False
        return said.urgency == "unimportant"


class Advisory(msgspec.Struct, frozen=True):
    """An entry: a vulnerability under its names, and what it affects."""

    id: str
    modified: str = ""
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    withdrawn: str = ""
    summary: str = ""
    affected: tuple[Affected, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names of it, its own first."""
        return tuple(dict.fromkeys((self.id, *self.aliases, *self.upstream)))


def read(place: Path) -> Iterator[Advisory]:
    """Every entry below a folder or in an archive, also in archives in the folder.

    Raises ``DataError`` for what is not there, cannot be read, or is no entry.
    """
    for where, content in _contents(place):
        try:
            yield decode(content, Advisory)
        except ValueError as error:
            raise DataError(
                f"An entry of the known vulnerabilities cannot be read: {error}.",
                where=where,
                remedy="Fetch the database again; its entries are in the format of OSV.",
            ) from error


def _contents(place: Path) -> Iterator[tuple[str, bytes]]:
    try:
        if place.is_dir():
            for file in sorted(place.rglob("*")):
                if file.suffix == ".zip":
                    yield from _archive(file)
                elif file.suffix == ".json":
                    yield str(file), file.read_bytes()
        else:
            yield from _archive(place)
    except (OSError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(
            f"The known vulnerabilities cannot be read: {reason}.",
            where=str(place),
            remedy="check.vulnerabilities in sealift.toml names a folder or archive of OSV's.",
        ) from error


def _archive(file: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".json") and info.file_size <= LARGEST:
                yield f"{file}: {info.filename}", archive.read(info)


Order = Callable[[str, str], int]


def python_order(one: str, other: str) -> int:
    """The order of PEP 440; raises ``ValueError`` for what is no such version.

    >>> python_order("1.0rc1", "1.0"), python_order("1.0", "1.0.0"), python_order("1.10", "1.9")
    (-1, 0, 1)
    """
    mine, theirs = Version(one), Version(other)
    return (mine > theirs) - (mine < theirs)


ORDERS: dict[str, Order] = {"PyPI": python_order, "Debian": debian_version.compare}
"""How the versions of an ecosystem are ordered."""


def affects(one: Affected, version: str, order: Order) -> bool:
    """Whether a version is among the affected ones.

    >>> hit = Affected(ranges=(Range("ECOSYSTEM", (Event(introduced="0"), Event(fixed="1.2"))),))
    >>> affects(hit, "1.1", python_order), affects(hit, "1.2", python_order)
    (True, False)
    """
    if any(_equal(version, listed, order) for listed in one.versions):
        return True
    return any(
        inside(part, version, order) for part in one.ranges if part.type in ("ECOSYSTEM", "SEMVER")
    )


def _equal(version: str, listed: str, order: Order) -> bool:
    return version == listed or (order is python_order and _same(version, listed))


def _same(version: str, listed: str) -> bool:
    try:
        return Version(version) == Version(listed)
    except InvalidVersion:
        return False


def inside(part: Range, version: str, order: Order) -> bool:
    """Whether a version is in a range: its events in order say from where on, and until where."""
    found = False
    for event in _ordered(part, order):
        if event.introduced is not None and _reached(event.introduced, version, order):
            found = True
        elif _ends(event, version, order):
            found = False
    return found


def _ends(event: Event, version: str, order: Order) -> bool:
    """Whether a version lies behind the end that an event sets."""
    if event.last_affected is not None:
        return order(version, event.last_affected) > 0
    bound = event.fixed if event.fixed is not None else event.limit
    return bound not in (None, "*") and _reached(str(bound), version, order)


def _reached(bound: str, version: str, order: Order) -> bool:
    return bound == _ZERO or order(version, bound) >= 0


def _ordered(part: Range, order: Order) -> list[Event]:
    def key(one: Event, other: Event) -> int:
        mine, theirs = _at(one), _at(other)
        if _ZERO in (mine, theirs):
            return (theirs == _ZERO) - (mine == _ZERO)
        return order(mine, theirs)

    return sorted(part.events, key=cmp_to_key(key))


def _at(event: Event) -> str:
    known = (event.introduced, event.fixed, event.last_affected, event.limit)
    return next((one for one in known if one is not None), _ZERO)


def fixed_in(one: Affected, version: str, order: Order) -> str:
    """The oldest version above this one in which it is mended; nothing if there is none."""
    bounds: list[Any] = [
        event.fixed
        for part in one.ranges
        if part.type in ("ECOSYSTEM", "SEMVER")
        for event in part.events
        if event.fixed is not None and order(event.fixed, version) > 0
    ]
    return str(min(bounds, key=cmp_to_key(order))) if bounds else ""


__all__ = ["ORDERS", "Advisory", "Affected", "Order", "affects", "fixed_in", "read"]
