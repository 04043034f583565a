"""Clients that do not wait for their answers."""

from __future__ import annotations


class GoneError(Exception):
    """The client has left: nobody is there to be told anything."""


__all__ = ["GoneError"]
