"""What an engine attaches to a container, so that any process finds it again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from sealift import clock, process
from sealift.record.container import Container, ContainerSpec
from sealift.types import Digest


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to know of it. ``live`` is the folder of the engine that started it.

    ``caller`` is the process id and start of a caller that it must not outlive, and ``lease`` names
    what sees to that.
    """

    id: str
    live: str
    name: str
    image: Digest
    labels: dict[str, str]
    started: float
    cores: tuple[int, ...] = ()
    caller: tuple[int, int] | None = None
    lease: str = ""

    def text(self) -> str:
        """It as JSON, for where it is kept."""
        return msgspec.json.encode(self).decode()

    def orphan(self) -> bool:
        """Whether its caller, which it must not outlive, is gone."""
        return self.caller is not None and not process.alive(*self.caller)

    def container(self, *, engine: str, running: bool) -> Container:
        """What the engine says of it."""
        return Container(
            id=self.id,
            name=self.name,
            engine=engine,
            image=self.image,
            labels=self.labels,
            running=running,
            started=self.started,
        )


def new(
    spec: ContainerSpec,
    live: Path,
    *,
    bound: bool = False,
    cores: tuple[int, ...] = (),
    lease: str = "",
) -> Mark:
    """The mark of a container about to start; ``bound`` to the life of this process or not.

    With the name of a ``lease`` it is.
    """
    me = os.getpid()
    start = process.started(me)
    return Mark(
        id=clock.token(32),
        live=str(live),
        name=spec.name,
        image=spec.image,
        labels=spec.labels,
        started=clock.now(),
        cores=cores,
        caller=(me, start) if (bound or lease) and start is not None else None,
        lease=lease,
    )


def read(text: str | None) -> Mark | None:
    """The mark in a text; None when there is none or it is not one."""
    try:
        return None if text is None else msgspec.json.decode(text, type=Mark)
    except msgspec.DecodeError:
        return None


__all__ = ["Mark", "new", "read"]
