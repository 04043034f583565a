"""What stands for objects while a pickle is followed."""

from __future__ import annotations

import _compat_pickle
import codecs
from dataclasses import dataclass, field
from typing import Any

RENAMED = 3
"""The first protocol whose names are those of Python 3."""
ENTRIES = 64


@dataclass(frozen=True)
class Global:
    """A name that would be imported; ``path`` is how Python 3 finds it."""

    module: str
    name: str
    protocol: int = 5

    @property
    def path(self) -> str:
        """Module and name, as one dotted name.

        >>> Global("__builtin__", "set", 2).path, Global("os.path", "join").path
        ('builtins.set', 'os.path.join')
        """
        module, name = self.module, self.name
        if self.protocol < RENAMED:
            renamed = _compat_pickle.NAME_MAPPING.get((module, name))
            module, name = renamed or (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
        return f"{module}.{name}"


@dataclass
class Call:
    """What a call gives; ``state`` is what it is then filled with."""

    function: Any
    arguments: Any
    state: Any = None


@dataclass
class Map:
    """A dictionary: its first entries whose keys are texts."""

    entries: dict[str, Any] = field(default_factory=dict)

    def put(self, key: Any, value: Any) -> None:
        """Set an entry."""
        if isinstance(key, str) and (key in self.entries or len(self.entries) < ENTRIES):
            self.entries[key] = value


class Symbol:
    """Something that is only told apart from everything else."""


MARK = Symbol()
"""Where a tuple, list or dictionary begins on the stack."""
OTHER = Symbol()
"""A value that does not matter."""


def text(raw: bytes) -> Any:
    """A text, or ``OTHER`` for bytes that are none."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return OTHER


def quoted(raw: bytes) -> Any:
    """A text in quotes with backslashes, as protocol 0 writes it; None when it is none.

    >>> quoted(rb"'o\\x73'"), quoted(b"'os")
    ('os', None)
    """
    raw = raw.strip()
    if len(raw) < len("''") or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
        return None
    try:
        return text(codecs.escape_decode(raw[1:-1])[0])
    except ValueError:
        return None


def number(raw: bytes) -> Any:
    """A whole number in decimal digits, or ``OTHER``.

    >>> number(b"12"), number(b"12L")
    (12, 12)
    """
    digits = raw.strip().removesuffix(b"L")
    return int(digits) if digits.isdigit() and len(digits) < 20 else OTHER


__all__ = ["MARK", "OTHER", "Call", "Global", "Map", "number", "quoted", "text"]
