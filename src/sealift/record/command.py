"""A step's shell line with parameters in it: finding them, and putting values in their place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from sealift.types import Scalar

_PIECE = re.compile(
    r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_-]*)\}|[{}]|'|\"|\\[^{}]|[^{}'\"\\]+|\\", re.S
)


def names(template: str) -> tuple[str, ...]:
    """The parameters of a command, in the order they first appear.

    Raises ``ValueError`` for a brace that is neither doubled nor part of a parameter.

    >>> names("train --depth {depth} | awk '{{print $1}}'")
    ('depth',)
    """
    found: dict[str, None] = {}
    for piece, name in _pieces(template):
        if name:
            found[name] = None
        elif piece in ("{", "}"):
            raise ValueError(piece)
    return tuple(found)


def fill(template: str, params: Mapping[str, Scalar]) -> str:
    """The command with its parameters' values; doubled braces become single ones.

    A value is one literal word to the shell, outside quotes or inside either kind of them.

    >>> fill("echo {x} '{x}' \\"{x}\\" {{}}", {"x": "it's $HOME"})
    'echo \\'it\\'"\\'"\\'s $HOME\\' \\'it\\'"\\'"\\'s $HOME\\' "it\\'s \\\\$HOME" {}'
    """
    filled, quote = [], ""
    for piece, name in _pieces(template):
        if name:
            filled.append(_quoted(text(params[name]), quote))
            continue
        mark = piece[-1] if quote == "'" else piece  # between ' and ' a backslash escapes nothing
        if mark in ("'", '"') and quote in ("", mark):
            quote = "" if quote else mark
        filled.append({"{{": "{", "}}": "}"}.get(piece, piece))
    return "".join(filled)


def text(value: Scalar) -> str:
    """A parameter's value as the command sees it: TOML's words for true and false.

    >>> [text(value) for value in (True, 3, 0.5, "a b")]
    ['true', '3', '0.5', 'a b']
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pieces(template: str) -> Iterator[tuple[str, str]]:
    for match in _PIECE.finditer(template):
        yield match[0], match[1] or ""


def _quoted(value: str, quote: str) -> str:
    if quote == "'":
        return value.replace("'", "'\"'\"'")
    if quote == '"':
        return re.sub(r'([\\$`"])', r"\\\1", value)
    return shlex.quote(value)


__all__ = ["fill", "names", "text"]
