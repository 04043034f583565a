"""Who the program in a container is, and that its writable folders are really writable to it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sealift.adapters.engines.environment import USER
from sealift.record.container import Mount


def identity(*, maps_users: bool) -> list[str]:
    """The options for the user of the container.

    Started by root, it is a user of its own. Started by anybody else, what it writes must belong to
    the caller: an engine that ``maps_users`` shows the caller inside as that user, another one
    gives the caller's own number.
    """
    caller = os.geteuid()
    if caller != 0 and not maps_users:
        return [f"--user={caller}:{os.getegid()}"]
    mapping = [] if caller == 0 else [f"--userns=keep-id:uid={USER},gid={USER}"]
    return [*mapping, f"--user={USER}:{USER}"]


def lend(mounts: Sequence[Mount]) -> None:
    """Give what is mounted writable to the container's user; only root can, and needs to."""
    if os.geteuid() == 0:
        for mount in mounts:
            if mount.writable:
                _own(Path(mount.source), USER, USER)


@contextmanager
def lent(mounts: Sequence[Mount]) -> Iterator[None]:
    """As ``lend``; after the block, all of it belongs to the folder's former owner."""
    owners = [(Path(mount.source), Path(mount.source).stat()) for mount in mounts if mount.writable]
    lend(mounts)
    try:
        yield
    finally:
        if os.geteuid() == 0:
            for path, before in owners:
                _own(path, before.st_uid, before.st_gid)


def _own(path: Path, user: int, group: int) -> None:
    os.chown(path, user, group, follow_symlinks=False)
    # Relative to open folders: a link put there meanwhile leads nowhere else.
    for _, folders, files, descriptor in os.fwalk(path):
        for name in (*folders, *files):
            os.chown(name, user, group, dir_fd=descriptor, follow_symlinks=False)


__all__ = ["identity", "lend", "lent"]
