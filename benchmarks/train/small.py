"""A small project with real containers, trained by calls and not by the command line.

Its image is made of this machine's own programs, so that nothing is downloaded and a training takes
tenths of a second.
"""

from __future__ import annotations

from pathlib import Path

from sealift import clock
from sealift.adapters.databases.sqlite import Sqlite
from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.adapters.stores.layout import Layout
from sealift.data.snapshot import Files
from sealift.folders import Folders
from sealift.ports import Engine
from sealift.record.image import Image
from sealift.record.parse import parse
from sealift.record.run import Run
from sealift.testing.engine_image import host_image
from sealift.train.execute import execute
from sealift.types import Digest


class Silent:
    """Progress that nobody looks at."""

    def step(self, name: str, status: str) -> None:
        """A status."""

    def say(self, text: str) -> None:
        """A line."""


class Small:
    """The project in the folder ``root``; databases and threads begin with each training."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.folders = Folders(root)
        self.store = Layout(self.folders.layout, self.folders.unpacked)
        self.image = host_image(self.store)

    @property
    def said(self) -> Path:
        """What a training in another process said."""
        return self.root / "said.log"

    def write(self, text: str) -> None:
        """Write the project file."""
        self.folders.file.write_text(text)

    def train(self, engine: Engine | None = None) -> Run:
        """One run of the project as its files are, as `sealift train` does it."""
        ledger = Sqlite(self.folders.ledger)
        live = self.folders.live / "containers"
        image = Image(
            digest=self.image,
            platform="linux/amd64",
            layers=(),
            lock=Digest("sha256:" + "0" * 64),
            model=None,
            created=clock.now(),
        )
        with ledger.exclusive("train"):
            return execute(
                parse(self.folders.file.read_text(), where=str(self.folders.file)),
                self.folders,
                engine=engine or Bubblewrap(self.store, live),
                store=self.store,
                ledger=ledger,
                lake=Files(self.root),
                image=image,
                images={},
                progress=Silent(),
                params={},
                comment="",
            )


__all__ = ["Silent", "Small"]
