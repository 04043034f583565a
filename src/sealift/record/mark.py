"""What people say of runs and models: aliases, tags, notes, parents; added to, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Subject = Literal["run", "model"]
Kind = Literal["alias", "tag", "note", "parent"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate said of a model: what it asks for, and what it found."""

    gate: str
    passed: bool
    found: str


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody said of a run or of a model, when, where and why.

    ``key`` is the run's id or the model's version. ``name`` is that of an alias or a tag, ``value``
    the value of a tag, the text of a note or the id of a parent; None takes away what was said
    before. An alias belongs to one model: with a mark on another one it moves there. ``verdicts``
    are those of the gates of an alias, ``forced`` says that they were overruled.
    """

    id: str
    created: float
    user: str
    host: str
    subject: Subject
    key: str
    kind: Kind
    name: str = ""
    value: str | None = ""
    why: str = ""
    verdicts: tuple[Verdict, ...] = ()
    forced: bool = False


class Marks:
    """All marks, oldest first, and what they come to."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        self._all = tuple(marks)
        self._of: dict[tuple[Subject, str], list[Mark]] = {}
        for mark in self._all:
            self._of.setdefault((mark.subject, mark.key), []).append(mark)

    def of(self, subject: Subject, key: str | int) -> tuple[Mark, ...]:
        """What was said of one run or model."""
        return tuple(self._of.get((subject, str(key)), ()))

    def about(self, subject: Subject) -> tuple[Mark, ...]:
        """What was said of runs, or of models."""
        return tuple(mark for mark in self._all if mark.subject == subject)

    @property
    def aliases(self) -> dict[str, int]:
        """Each alias, and the version that has it."""
        held: dict[str, int] = {}
        for mark in self._all:
            if mark.kind != "alias":
                continue
            if mark.value is None:
                held.pop(mark.name, None)
            else:
                held[mark.name] = int(mark.key)
        return dict(sorted(held.items()))

    def aliases_of(self, version: int) -> tuple[str, ...]:
        """The aliases of a model."""
        return tuple(name for name, holder in self.aliases.items() if holder == version)

    def tags(self, subject: Subject, key: str | int) -> Mapping[str, str]:
        """Tags and their values."""
        tags: dict[str, str] = {}
        for mark in self.of(subject, key):
            if mark.kind == "tag":
                tags.pop(mark.name, None)
                if mark.value is not None:
                    tags[mark.name] = mark.value
        return tags

    def notes(self, subject: Subject, key: str | int) -> tuple[Mark, ...]:
        """Notes, oldest first."""
        return tuple(mark for mark in self.of(subject, key) if mark.kind == "note")

    def parents(self, run: str) -> tuple[str, ...]:
        """The runs that a run goes back to."""
        marks = self.of("run", run)
        return tuple(
            dict.fromkeys(mark.value for mark in marks if mark.kind == "parent" and mark.value)
        )


__all__ = ["Kind", "Mark", "Marks", "Subject", "Verdict"]
