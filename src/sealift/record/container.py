"""What an engine is asked to run, and what it says of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.types import Digest

Cards = int | Literal["all"]
"""A number of graphics cards, or all that a machine has."""


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A folder or file of the host inside the container.

    What a container that was cut off left in a ``lasting`` one is there for the next.
    """

    source: str
    target: str
    writable: bool = False
    lasting: bool = False


class ContainerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A container to run: always non-root, without capabilities, on a read-only root.

    ``image`` is the digest of a manifest in the project's store. ``memory`` is in bytes, ``cpus``
    in cores; None is no limit. ``network`` none has only a loopback of its own; host shares the
    host's. ``scratch`` are folders that the container may write, empty at first and gone with it,
    as ``/tmp`` is. ``gpus`` are graphics cards that no other container of the same run has, with
    what their driver brings. ``labels`` find it again; ``hostname`` is what its program
    sees (the container's name unless given); ``log`` is a file that both outputs are appended to.
    ``secrets`` are variables that nobody else may read. ``wanted`` are paths in writable mounts
    that the caller looks at afterwards; with none, it is all of them. ``live`` is a file in one
    that it reads while the container runs.
    """

    name: str
    image: Digest
    argv: tuple[str, ...]
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}
    mounts: tuple[Mount, ...] = ()
    scratch: tuple[str, ...] = ()
    workdir: str = "/"
    network: Literal["none", "host"] = "none"
    cpus: float | None = None
    memory: int | None = None
    gpus: Cards = 0
    labels: dict[str, str] = {}
    hostname: str = ""
    wanted: tuple[str, ...] = ()
    live: str = ""
    log: str


class Guarantees(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine really enforces on this machine.

    ``gpus`` are the graphics cards that it can hand out; None is not known before it tries.
    Containers of one that is ``elsewhere`` run on other machines than this.
    """

    network_isolated: bool
    memory_limited: bool
    cpu_limited: bool
    survives_caller: bool
    gpus: int | None = 0
    elsewhere: bool = False

    def lacking(self, spec: ContainerSpec) -> tuple[str, ...]:
        """What ``spec`` asks for and will not get, in words."""
        asked = [
            (spec.memory is not None and not self.memory_limited, "the memory limit"),
            (spec.cpus is not None and not self.cpu_limited, "the limit on processor cores"),
            (spec.network == "none" and not self.network_isolated, "isolation from the network"),
        ]
        return tuple(words for missing, words in asked if missing)


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """How a container ended: status (128+n when killed by signal n) and seconds it ran."""

    status: int
    seconds: float
    timed_out: bool = False
    out_of_memory: bool = False


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A container that an engine started and that may still live."""

    id: str
    name: str
    engine: str
    image: Digest
    labels: dict[str, str]
    running: bool
    started: float
