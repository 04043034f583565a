"""Where things lie: the project's own state, and the downloads that projects share."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sealift.errors import MachineError, ProjectError


@dataclass(frozen=True)
class Folders:
    """The folders and files of the project at ``root``; nothing is created here."""

    root: Path

    @property
    def file(self) -> Path:
        """What the user writes."""
        return self.root / "sealift.toml"

    @property
    def lock(self) -> Path:
        """The exact packages of the images, with digests; belongs in version control."""
        return self.root / "sealift.lock"

    @property
    def checks(self) -> Path:
        """The project's own checks, which need not be there."""
        return self.root / "checks"

    @property
    def state(self) -> Path:
        """Everything that Sealift keeps for this project."""
        return self.root / ".sealift"

    @property
    def layout(self) -> Path:
        """The store: an OCI image layout."""
        return self.state / "layout"

    @property
    def unpacked(self) -> Path:
        """Trees and root file systems unpacked from the store; may be deleted at any time."""
        return self.state / "unpacked"

    @property
    def ledger(self) -> Path:
        """The database of records and observations."""
        return self.state / "ledger.db"

    @property
    def runs(self) -> Path:
        """Logs and scratch folders of runs: ``runs/RUN/STEP.log``."""
        return self.state / "runs"

    @property
    def checkpoints(self) -> Path:
        """What unfinished steps go on from: ``checkpoints/KEY/``."""
        return self.state / "checkpoints"

    @property
    def live(self) -> Path:
        """What belongs to running processes: their ids, logs, the router's files."""
        return self.state / "live"

    @property
    def records(self) -> Path:
        """Prediction logs: ``records/CONTAINER/*.jsonl``."""
        return self.state / "records"

    def environment(self, name: str) -> Path:
        """What is known of an environment: its observations, prediction logs of its servers."""
        return self.state / "environments" / name

    @property
    def keys(self) -> Path:
        """Signing keys."""
        return self.state / "keys"


def reader(root: Path) -> Callable[[str], str]:
    """What reads the texts of further files below ``root``.

    It raises ``ProjectError`` for a file that is not there, no text, or outside.
    """

    def read(name: str) -> str:
        path = root / name
        try:
            if not path.resolve().is_relative_to(root.resolve()):
                raise ProjectError(
                    f"The file {name!r} is not in the project's folder.",
                    where=str(path),
                    remedy="Copy it there: what a run is made of is kept with its code.",
                )
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise ProjectError(
                f"The file {name!r} cannot be read: {why}.",
                where=str(path),
                remedy="Write it, or correct its path in sealift.toml.",
            ) from error

    return read


def downloads() -> Path:
    """The cache of downloaded packages, shared by all projects of this user.

    ``SEALIFT_CACHE`` if set, else the ``sealift`` folder of the user's cache folder.
    """
    if chosen := os.environ.get("SEALIFT_CACHE"):
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "sealift"


def private(folder: Path) -> None:
    """Make a folder that nobody but its owner may look into, or close one that others may.

    Where that is not allowed it stays as it is, which ``sealift doctor`` tells.
    """
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        if is_open(folder):
            folder.chmod(folder.stat().st_mode & 0o700)


def is_open(folder: Path) -> bool:
    """Whether others than its owner may do anything in a folder."""
    return bool(folder.stat().st_mode & 0o077)


def require_writable(folder: Path) -> None:
    """Raises ``MachineError`` where nothing can be written in a folder, or it cannot be made."""
    existing = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    if not os.access(existing, os.W_OK | os.X_OK):
        raise unwritable(folder)


def unwritable(folder: Path) -> MachineError:
    """What whoever wants to change a project is told that he may only read."""
    return MachineError(
        "This changes the project, and the project's folder cannot be written.",
        where=str(folder),
        remedy="Get the right to write there, or copy the project to a folder of your own.",
    )


__all__ = ["Folders", "downloads", "is_open", "private", "reader", "require_writable", "unwritable"]
