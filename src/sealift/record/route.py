"""Where the router sends the requests of a service."""

from __future__ import annotations

import msgspec


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """One version behind a service: its share of the traffic (parts of 1000) and addresses."""

    version: int
    weight: int
    urls: tuple[str, ...]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The routes of one service; ``generation`` grows with every change."""

    service: str
    generation: int
    backends: tuple[Backend, ...]
