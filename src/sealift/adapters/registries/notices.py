"""What registries want to be told to people (distribution-spec 1.1, "Warnings"; RFC 7234, 5.5)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

# the only form that the specification allows: code 299, no agent, no date
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')
_MOST = 20
_LONGEST = 300


class Notices:
    """The warnings in the answers of a registry, each once; safe for threads.

    >>> notices = Notices()
    >>> notices.heard(['299 - "quota is nearly used up"', '299 - "quota is nearly used up"'])
    >>> notices.heard(['110 proxy "stale"'])
    >>> notices.texts
    ('quota is nearly used up',)
    """

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._lock = threading.Lock()

    def heard(self, headers: Iterable[str]) -> None:
        """Take in the values of an answer's headers called Warning."""
        for header in headers:
            found = _WARNING.fullmatch(header.strip())
            if found is None:
                continue
            text = re.sub(r"\\(.)", r"\1", found[1])[:_LONGEST]
            plain = "".join(sign if sign.isprintable() else " " for sign in text)
            with self._lock:
                if len(self._texts) < _MOST:
                    self._texts.setdefault(plain)

    @property
    def texts(self) -> tuple[str, ...]:
        """What was said, in order."""
        with self._lock:
            return tuple(self._texts)


__all__ = ["Notices"]
