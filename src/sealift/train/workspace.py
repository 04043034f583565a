"""The folder that a step works in: its code, its inputs, and the outputs taken out of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from sealift import clock, digest
from sealift.errors import StepError
from sealift.ports import Store
from sealift.record.container import Mount
from sealift.record.dataset import Snapshot
from sealift.types import Digest

PROJECT = PurePosixPath("/project")
"""Where a step finds its folder, and all that it reads at the same paths as in the project."""


def copy(source: Path, target: Path, files: Iterable[str]) -> None:
    """Copy files; no link between the two, so that a step cannot change what it was given.

    Times are those of ``clock.EPOCH``, modes 0644 or 0755. A link that leads out of ``source``
    becomes the file it leads to; one that leads to nothing, or to a folder outside, is left out.
    """
    for name in files:
        old, new = source / name, target / name
        new.parent.mkdir(parents=True, exist_ok=True)
        if old.is_symlink() and _inside(old, source):
            new.symlink_to(old.readlink())
        elif old.is_file():
            shutil.copyfile(old, new)
            new.chmod(0o755 if old.stat().st_mode & 0o100 else 0o644)
            os.utime(new, (clock.EPOCH, clock.EPOCH))


def tree_digest(root: Path, files: Iterable[str]) -> Digest:
    """The digest of some of the files below ``root``; names that were left out do not count."""
    return digest.of_tree(root, [path for name in files if os.path.lexists(path := root / name)])


def data_mounts(root: Path, snapshot: Snapshot, keep_free: Collection[str]) -> list[Mount]:
    """The files of a snapshot, read-only; a folder in one piece where it holds nothing else.

    No folder is taken in one piece that one of the paths ``keep_free`` lies in.
    """
    paths = {entry.path for entry in snapshot.entries}
    free = {str(top) for path in keep_free for top in PurePosixPath(path).parents}
    whole: dict[str, bool] = dict.fromkeys((".", "/", *free), False)
    mounts: dict[str, None] = {}
    for path in sorted(paths):
        for top in map(str, reversed(PurePosixPath(path).parents)):
            if top not in whole:
                whole[top] = _is_all(root, top, paths)
            if whole[top]:
                mounts[top] = None
                break
        else:
            mounts[path] = None
    return [_mount(root / path, path) for path in mounts]


def input_mounts(store: Store, inputs: Mapping[str, Digest]) -> list[Mount]:
    """Outputs of earlier steps, read-only, where those steps wrote them; by path."""
    return [_mount(store.tree(address), path) for path, address in inputs.items()]


def prepare(folder: Path, mounts: Iterable[Mount], writes: Iterable[str]) -> None:
    """Make places for the mounts, and the parent folders of the outputs."""
    for mount in mounts:
        target = PurePosixPath(mount.target)
        if not target.is_relative_to(PROJECT):
            continue
        place = folder / target.relative_to(PROJECT)
        if Path(mount.source).is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    for path in writes:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)


def output(folder: Path, path: str, *, step: str) -> Path:
    """Where an output lies. Raises ``StepError`` if it is not there or leads out of the folder."""
    place = folder / path
    if not os.path.lexists(place):
        beside = sorted(entry.name for entry in place.parent.iterdir()) if _there(place) else []
        listing = f"{place.parent.name} holds {', '.join(beside[:5])}." if beside else ""
        raise StepError(
            f"Step {step!r} ended well but did not write {path!r}.",
            where=f"sealift.toml: steps.{step}.writes",
            remedy=f"Write it, or correct the path. {listing}".rstrip(),
        )
    real = place.resolve()
    if not real.is_relative_to(folder.resolve()) or not real.exists():
        raise StepError(
            f"Step {step!r} wrote {path!r} as a link that leads out of its folder.",
            where=f"sealift.toml: steps.{step}.writes",
            remedy="Write the file itself.",
        )
    return real


def remove(folder: Path) -> None:
    """Remove a folder and all in it, whatever its modes; nothing happens if it is not there."""
    if not os.path.lexists(folder):
        return
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            inner = Path(parent, name)
            if not inner.is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(folder)


def _mount(source: Path, path: str) -> Mount:
    return Mount(source=str(source.resolve()), target=str(PROJECT / path))


def _there(place: Path) -> bool:
    return place.parent.is_dir() and not place.parent.is_symlink()


def _inside(link: Path, root: Path) -> bool:
    """Whether a link is relative, and its end lies below ``root``."""
    target = link.readlink()
    return not target.is_absolute() and link.resolve().is_relative_to(root.resolve())


def _is_all(root: Path, top: str, paths: Collection[str]) -> bool:
    """Whether everything below a folder is in ``paths``, and is no link."""
    if (root / top).is_symlink():
        return False
    return all(name in paths for name in _names(root / top, top))


def _names(folder: Path, prefix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{prefix}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _names(Path(entry.path), name)
            else:
                yield f"{name}@" if entry.is_symlink() else name


__all__ = [
    "PROJECT",
    "copy",
    "data_mounts",
    "input_mounts",
    "output",
    "prepare",
    "remove",
    "tree_digest",
]
