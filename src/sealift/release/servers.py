"""The servers of a service, as a release needs them: started, looked at, ended."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import msgspec

from sealift.types import Digest

START = 180.0
"""Seconds that a server on this machine gets to become ready."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a version stands.

    ``urls`` are the servers that have been ready, also those that are just being restarted at the
    same address. ``ready`` says that every server that was asked for answers now; ``deaths``
    counts those that died or hung. ``hopeless`` says why it will surely never be ready, and
    ``cause`` where to look for what keeps it; both are empty where nothing is known.
    """

    version: int
    urls: tuple[str, ...]
    ready: bool
    deaths: int = 0
    hopeless: str = ""
    cause: str = ""


class Servers(Protocol):
    """The servers of one service."""

    @property
    def patience(self) -> float:
        """Seconds that they get to become ready."""
        ...

    def ensure(self, version: int, image: Digest) -> Standing:
        """One look at a version, whose servers are started where there are none.

        Never waits for one to become ready.
        """
        ...

    def idle(self, version: int) -> bool:
        """Whether nobody talks to a version any more."""
        ...

    def stop_others(self, keep: Collection[int]) -> None:
        """End every version of the service but these; what they have begun is answered first."""
        ...


__all__ = ["START", "Servers", "Standing"]
