"""The lines of a lock that name wheels: name, version, and the digests of files that may be it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from sealift.errors import IntegrityError

_PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)(.*)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Pin(msgspec.Struct, frozen=True):
    """A locked wheel: its version, and the SHA-256 of each file that may be it, in hexadecimal."""

    version: str
    hashes: tuple[str, ...]


def normal(name: str) -> str:
    """The name of a wheel as all ways to write it are compared (PyPA, "Names").

    >>> normal("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(line: str) -> tuple[str, Pin]:
    """The name and the pin of a locked line.

    >>> pinned("Tree_Lib==1.0")
    ('tree-lib', Pin(version='1.0', hashes=()))
    """
    match = _PIN.match(line)
    if match is None:
        raise IntegrityError(f"The lock has a line without a version: {line!r}.")
    return normal(match[1]), Pin(match[2], tuple(_HASH.findall(match[3])))


def pins(lines: Iterable[str]) -> dict[str, Pin]:
    """The wheels that locked lines pin, by name; lines that name none are left out."""
    return dict(pinned(line) for line in lines if _PIN.match(line))


__all__ = ["Pin", "normal", "pinned", "pins"]
