"""One execution of the pipeline and its record."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.record.dataset import Snapshot
from sealift.types import Digest, Scalar


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the project's code, and what git knows of it.

    ``digest`` addresses the files as they were, kept as a tree in the store. ``diff`` is against
    ``commit``; ``untracked`` are files that git does not know; ``left_out`` were not taken, since
    they may hold secrets.
    """

    digest: Digest
    commit: str = ""
    branch: str = ""
    diff: str = ""
    untracked: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run took place.

    ``instructions`` are those of its processor by which numeric libraries choose their ways,
    ``gpus`` the models of its graphics cards, ``driver`` the version of what drives them.
    """

    host: str
    user: str
    system: str
    cpu: str
    cores: int
    memory: int
    engine: str
    instructions: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    driver: str = ""


class StepRun(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run.

    ``key`` is the digest of all that decides its outputs; ``leaves`` are the parts it was made of,
    so that a miss can name what changed. ``cached`` says that the outputs of an earlier step with
    the same key were taken. ``outputs`` maps names to tree digests. ``because`` says why it ran or
    did not, ``error`` how it failed; ``log`` is relative to the project.
    """

    name: str
    status: Literal["done", "failed", "skipped"]
    key: Digest
    leaves: dict[str, str]
    cached: bool
    command: str
    started: float
    seconds: float
    attempts: int = 1
    exit_status: int = 0
    inputs: dict[str, Digest] = {}
    outputs: dict[str, Digest] = {}
    log: str = ""
    because: str = ""
    error: str = ""
    lacking: tuple[str, ...] = ()


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Who, when, why, with what, and what came out.

    ``image`` is the digest of the step image's manifest, ``images`` are those of others that single
    steps name. ``seeds`` are the values that Sealift
    pinned for the steps. Of what a script or a notebook recorded by itself there is no image:
    ``packages`` are then those of its Python, and ``process`` is its process id with its start.
    """

    id: str
    project: str
    status: Literal["running", "done", "failed"]
    started: float
    finished: float | None
    user: str
    comment: str
    code: Code
    machine: Machine
    image: Digest
    lock: Digest | None
    snapshots: dict[str, Snapshot]
    params: dict[str, dict[str, Scalar]]
    seeds: dict[str, str]
    steps: tuple[StepRun, ...] = ()
    metrics: dict[str, float] = {}
    model: int | None = None
    error: str = ""
    images: dict[str, Digest] = {}
    packages: dict[str, str] = {}
    process: tuple[int, int] | None = None
