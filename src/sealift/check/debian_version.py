"""The order of Debian's versions: Debian Policy 5.6.12, deb-version(7)."""

from __future__ import annotations

import re
from itertools import zip_longest

_PARTS = re.compile(r"(\D*)(\d*)")


def compare(one: str, other: str) -> int:
    """Less than, equal to or greater than zero, as one version is older, equal or newer.

    >>> compare("1.0~rc1-1", "1.0-1") < 0, compare("1:0.1", "9.9") > 0, compare("1.0-0", "1.0")
    (True, True, 0)
    """
    for mine, theirs in zip(_split(one), _split(other), strict=True):
        if found := _compare(mine, theirs):
            return found
    return 0


def _split(version: str) -> tuple[str, str, str]:
    """Epoch, upstream version and revision."""
    epoch, colon, rest = version.strip().partition(":")
    if not colon:
        epoch, rest = "0", version.strip()
    upstream, dash, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if dash else (epoch, rest, "0")


def _compare(one: str, other: str) -> int:
    """Parts without digits and numbers in turn, from the left."""
    for (text, number), (text2, number2) in zip_longest(
        _PARTS.findall(one), _PARTS.findall(other), fillvalue=("", "")
    ):
        mine, theirs = _weights(text), _weights(text2)
        if mine != theirs:
            return -1 if mine < theirs else 1
        value, value2 = int(number or 0), int(number2 or 0)
        if value != value2:
            return -1 if value < value2 else 1
    return 0


def _weights(text: str) -> list[int]:
    """A tilde sorts before the end, the end before letters, letters before all else."""
    return [_weight(letter) for letter in text] + [0]


def _weight(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256


__all__ = ["compare"]
