"""Where things lie: the project's own state, and the downloads that projects share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


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
    def live(self) -> Path:
        """What belongs to running processes: their ids, logs, the router's files."""
        return self.state / "live"

    @property
    def records(self) -> Path:
        """Prediction logs: ``records/CONTAINER/*.jsonl``."""
        return self.state / "records"

    @property
    def keys(self) -> Path:
        """Signing keys."""
        return self.state / "keys"


def downloads() -> Path:
    """The cache of downloaded packages, shared by all projects of this user.

    ``SEALIFT_CACHE`` if set, else the ``sealift`` folder of the user's cache folder.
    """
    if chosen := os.environ.get("SEALIFT_CACHE"):
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "sealift"


__all__ = ["Folders", "downloads"]
