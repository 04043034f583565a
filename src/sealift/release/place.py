"""The releases of one place: this machine, or an environment. They know nothing of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sealift.record.release import Release


class Releases(Protocol):
    """What the controller needs of a ledger."""

    def all(self, kind: type[Release]) -> list[Release]:
        """Every release, oldest first."""
        ...

    def amend(
        self, kind: type[Release], key: str | int, change: Callable[[Release], Release]
    ) -> Release:
        """Read, change and save one, with no other writer in between; what was saved."""
        ...


class InPlace:
    """Implements ``Releases`` on a ledger: those of one place alone."""

    def __init__(self, ledger: Releases, environment: str) -> None:
        self._ledger = ledger
        self._environment = environment

    def all(self, kind: type[Release]) -> list[Release]:
        """Every release of the place, oldest first."""
        return [one for one in self._ledger.all(kind) if one.environment == self._environment]

    def amend(
        self, kind: type[Release], key: str | int, change: Callable[[Release], Release]
    ) -> Release:
        """See ``Releases``."""
        return self._ledger.amend(kind, key, change)


def releases(ledger: Releases, environment: str = "") -> list[Release]:
    """The releases of a place, oldest first; of this machine with no environment."""
    return InPlace(ledger, environment).all(Release)


__all__ = ["InPlace", "Releases", "releases"]
