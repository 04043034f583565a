"""A container that is to run in a cluster, as far as objects tell of it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sealift.digest import of_bytes
from sealift.record.container import Cards, Mount
from sealift.types import Digest


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a container is, as it was asked for."""

    name: str
    image: Digest
    labels: dict[str, str]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A container that is to run in a cluster, as far as objects tell of it.

    ``image`` and ``porter`` are full references by digest; ``python`` begins the porter's command.
    ``repository`` is where its outputs are sent, which speaks plain HTTP if it is ``plain``. By a
    bucket, ``trees`` are the contents of its mounts by their targets there. The lines of the file
    ``live`` are told while it runs.
    """

    name: str
    project: str
    image: str
    porter: str
    python: tuple[str, ...]
    repository: str
    plain: bool
    architecture: str
    argv: tuple[str, ...]
    env: dict[str, str]
    secrets: dict[str, str]
    mounts: tuple[Mount, ...]
    scratch: tuple[str, ...]
    wanted: tuple[str, ...]
    workdir: str
    hostname: str
    network: bool
    cpus: float | None
    memory: int | None
    gpus: Cards
    seconds: float | None
    note: Note
    live: str = ""
    trees: dict[str, Digest] = {}

    @property
    def lasting(self) -> tuple[Mount, ...]:
        """What is there for the next attempt."""
        return tuple(one for one in self.mounts if one.lasting)

    @property
    def writes(self) -> bool:
        """Whether it writes anything that outlives it."""
        return any(one.writable for one in self.mounts)

    @property
    def outbound(self) -> str:
        """What the Job is called that sends its outputs."""
        return f"{self.name}-out"


def mark(value: str) -> str:
    """A text as the value of a label: itself where it may be one.

    >>> mark("a-1"), mark("sha256:0")
    ('a-1', 'x-ddadc6908c781f027b323fc0')
    """
    plain = value.replace("-", "").replace("_", "").replace(".", "")
    fits = plain.isascii() and plain.isalnum() and len(value) <= 63
    if fits and value[0].isalnum() and value[-1].isalnum():
        return value
    return f"x-{of_bytes(value.encode())[7:31]}"


def marks(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of a container as a cluster can look for them."""
    return {name: mark(value) for name, value in labels.items()}


def plain(word: str) -> str:
    """A word of which a cluster takes nothing for a variable of its own.

    >>> plain("echo $(date) $$")
    'echo $$(date) $$$$'
    """
    return word.replace("$", "$$")


__all__ = ["Note", "Task", "mark", "marks", "plain"]
