"""A request that is not answered with a prediction, and why."""

from __future__ import annotations

from collections.abc import Iterable

from sealift.errors import ContractError


class RefusalError(ContractError):
    """An HTTP status with a reason for people, a slug for programs and the offending path."""

    def __init__(
        self,
        what: str,
        *,
        code: str,
        path: str = "",
        status: int = 400,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(what, where=path)
        self.code = code
        self.status = status
        self.headers = headers


LONGEST = 80
"""Characters of a client's own words that a message repeats."""


def brief(text: str) -> str:
    """A client's word, quoted, and cut where it is very long.

    >>> brief("x" * 100) == repr("x" * 80 + "...")
    True
    """
    return repr(text if len(text) <= LONGEST else text[:LONGEST] + "...")


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint to append to a message: the nearest known word, or what is known.

    >>> nearest("carier", ["carrier", "hour"])
    " Did you mean 'carrier'?"
    >>> nearest("zzz", ["carrier", "hour"])
    ' Known: carrier, hour.'
    """
    # who is asked rightly never needs it
    from difflib import get_close_matches  # noqa: PLC0415

    names = list(known)
    near = get_close_matches(word[:LONGEST], names, n=1)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" Known: {some(names)}." if names else ""


def some(names: Iterable[str]) -> str:
    """The first names of a list, for a message.

    >>> some(str(number) for number in range(30))[-13:]
    ', 18, 19, ...'
    """
    known = list(names)
    return ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")


__all__ = ["RefusalError", "brief", "nearest", "some"]
