"""What was seen in a file, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Literal

import msgspec

from sealift.formats.known import kind
from sealift.formats.machine import Trace
from sealift.formats.tape import Tape
from sealift.types import Digest

BUDGET = 8 << 30
"""Most bytes that are unpacked of one file."""

Verdict = Literal["data", "harmless", "unknown", "unreadable", "dangerous"]
"""``data``: nothing is imported or called when it is loaded. Else code runs: ``harmless`` of it
that is known to rebuild data only, ``unknown`` such that is not known, ``dangerous`` such that has
the run of the machine; ``unreadable`` when it cannot be told which."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A file: what it is, and what would be imported when it is loaded.

    ``path`` is relative to what was scanned; ``imports`` are in the order in which they are met,
    so that a model's own class comes early. ``unclear`` says in words what cannot be told.
    """

    path: str
    digest: Digest
    format: str
    verdict: Verdict
    imports: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()

    @property
    def dangerous(self) -> tuple[str, ...]:
        """The imports that have the run of the machine."""
        return tuple(name for name in self.imports if kind(name) == "dangerous")

    @property
    def unknown(self) -> tuple[str, ...]:
        """The imports that are neither known to be harmless nor dangerous."""
        return tuple(name for name in self.imports if kind(name) == "unknown")


@dataclass
class Evidence:
    """What is seen while a file is looked into.

    ``left`` are the bytes that may still be unpacked, ``opcodes`` and ``words`` what was followed
    so far: they bound the time that one file takes, however many streams it holds.
    """

    formats: dict[str, None] = field(default_factory=dict)
    imports: dict[str, None] = field(default_factory=dict)
    unclear: dict[str, None] = field(default_factory=dict)
    left: int = BUDGET
    opcodes: int = 0
    words: int = 0

    def saw(self, name: str) -> None:
        """A format was recognised."""
        self.formats[name] = None

    def doubt(self, words: str) -> None:
        """Something cannot be told."""
        self.unclear[words] = None

    def tape(self, stream: BinaryIO, size: int | None) -> Tape:
        """A tape that stays within what is left."""
        return Tape(stream, size, budget=self.left)

    def trace(self) -> Trace:
        """A trace that goes on from what was followed so far."""
        return Trace(opcodes=self.opcodes, words=self.words)

    def take(self, trace: Trace, tape: Tape) -> None:
        """What a pickle would do; one that imports and calls nothing is only data."""
        if trace.imports or trace.unresolved or trace.calls:
            self.saw("pickle")
        self.imports |= trace.imports
        self.unclear |= trace.unresolved
        self.opcodes, self.words = trace.opcodes, trace.words
        self.left -= tape.position

    def inner(self) -> Evidence:
        """Evidence of what lies inside, within the same bounds."""
        return Evidence(left=self.left, opcodes=self.opcodes, words=self.words)

    def add(self, container: str, inner: Evidence) -> None:
        """What was seen inside a container; nothing of one that holds only data."""
        self.left, self.opcodes, self.words = inner.left, inner.opcodes, inner.words
        if inner.imports or inner.unclear:
            self.saw(container)
            self.formats |= inner.formats
        self.imports |= inner.imports
        self.unclear |= inner.unclear

    def finding(self, path: str, digest: Digest) -> Finding:
        """What follows."""
        return Finding(
            path=path,
            digest=digest,
            format=" in ".join(reversed(self.formats)) or "other",
            verdict=_verdict({kind(name) for name in self.imports}, unclear=bool(self.unclear)),
            imports=tuple(self.imports),
            unclear=tuple(sorted(self.unclear)),
        )


def _verdict(kinds: set[str], *, unclear: bool) -> Verdict:
    if "dangerous" in kinds:
        return "dangerous"
    if unclear:
        return "unreadable"
    if "unknown" in kinds:
        return "unknown"
    return "harmless" if kinds else "data"


__all__ = ["Evidence", "Finding", "Verdict"]
