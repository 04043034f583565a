"""Aliases used on every floor; standard library only."""

from __future__ import annotations

from typing import NewType, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Anything that JSON can hold."""

Scalar: TypeAlias = bool | int | float | str
"""A parameter of a step: one value on the command line."""

Digest = NewType("Digest", str)
"""A content address, ``sha256:`` followed by 64 lower-case hexadecimal digits."""

__all__ = ["Digest", "Json", "Scalar"]
