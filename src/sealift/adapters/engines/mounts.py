"""Mounts with the paths that every engine understands."""

from __future__ import annotations

import posixpath
from pathlib import Path

import msgspec

from sealift.errors import NotFoundError, UsageError
from sealift.record.container import ContainerSpec, Mount


def mounts(spec: ContainerSpec) -> list[Mount]:
    """The mounts of ``spec`` with absolute, plain paths, outer folders before inner ones.

    Raises ``NotFoundError`` for a source that is not there (an engine would create it, or fail
    with words of its own) and ``UsageError`` for a target that is not an absolute path.
    """
    plain = [_plain(mount, spec.name) for mount in spec.mounts]
    return sorted(plain, key=lambda mount: mount.target.count("/"))


def _plain(mount: Mount, name: str) -> Mount:
    source, target = Path(mount.source).absolute(), posixpath.normpath(mount.target)
    if not source.exists():
        raise NotFoundError(
            f"There is nothing to mount at {target} in the container {name!r}.", where=str(source)
        )
    if not target.startswith("/") or target == "/":
        raise UsageError(
            f"{mount.target!r} is no place for a mount in the container {name!r}.",
            remedy="Give an absolute path below /.",
        )
    return msgspec.structs.replace(mount, source=str(source), target=target)


__all__ = ["mounts"]
