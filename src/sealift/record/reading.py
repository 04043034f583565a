"""JSON read as a type, with one error for all that can be wrong with it."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def decode(content: bytes, kind: type[T]) -> T:
    """The content as a value of this type.

    Raises ``ValueError`` for bytes that are not UTF-8, not JSON, nested too deeply, or of
    another type: msgspec raises an error of its own kind for each.

    >>> decode(b"[1, 2]", list)
    [1, 2]
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


__all__ = ["decode"]
