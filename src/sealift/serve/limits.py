"""What the server takes on, and how long it works on it."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """The largest body and the room for all bodies in bytes; times in seconds.

    ``patience`` is how long a request may wait for the model before others are turned away;
    ``timeout`` is the longest that an answer may take (0: no bound), and ``latency`` the longest
    that it should take because requests are joined (0: as the model's own time suggests).
    """

    body: int = 16 << 20
    room: int = 256 << 20
    patience: float = 5.0
    timeout: float = 30.0
    latency: float = 0.0


__all__ = ["Limits"]
