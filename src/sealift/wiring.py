"""From a project folder to the ports that the stages need, by way of the adapter table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import cast

from sealift.adapters.caches.folder import Folder
from sealift.adapters.caches.objects import Purpose
from sealift.adapters.caches.patient import PatientCache
from sealift.adapters.caches.registry import RegistryCache
from sealift.adapters.caches.team import TeamCache
from sealift.adapters.engines.choice import choose
from sealift.adapters.engines.kubernetes_bucket import Carrier
from sealift.adapters.engines.kubernetes_image import Images
from sealift.adapters.images.arrive import arrive
from sealift.adapters.images.source import near as source_of
from sealift.adapters.registries.depot import RegistryDepot
from sealift.adapters.registries.session import Access
from sealift.adapters.signers.keyring import Keyring
from sealift.adapters.signers.pem import PASSWORD
from sealift.adapters.table import adapter
from sealift.errors import MachineError, ProjectError
from sealift.folders import Folders, private, reader
from sealift.kubernetes.objects import Place
from sealift.network.network import OFF, Network
from sealift.package.builder import Builder
from sealift.package.porter import write as write_porter
from sealift.ports import (
    Cluster,
    Engine,
    Ledger,
    Observations,
    Progress,
    Router,
    SharedCache,
    Signer,
    Store,
)
from sealift.record.bucket import BucketPlace
from sealift.record.lock import Variant
from sealift.record.parse import parse
from sealift.record.project import Project
from sealift.types import Digest

IN_CLUSTER = Purpose(
    what="The bucket of the steps",
    remedy="See store in the environment (bucket, endpoint, region, path_style), and that this "
    "machine has keys for it: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.",
)
"""What is said on this machine of the bucket that steps in a cluster use."""


class Wired:
    """A project and its surroundings; each port is made when it is first asked for.

    While ``hermetic``, as the variable SEALIFT_HERMETIC says or a command, no wheel is built.
    """

    def __init__(self, root: Path) -> None:
        self.folders = Folders(root)
        self.hermetic = os.environ.get("SEALIFT_HERMETIC", "").strip().lower() not in OFF

    @cached_property
    def project(self) -> Project:
        """The project file; raises ``ProjectError`` when it is missing or wrong."""
        try:
            text = self.folders.file.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ProjectError(
                "There is no sealift.toml.",
                where=str(self.folders.root),
                remedy="Run `sealift init` to write one, or go to the project's folder.",
            ) from error
        except UnicodeDecodeError as error:
            raise ProjectError(
                "The project file is not UTF-8 text.",
                where=str(self.folders.file),
                remedy="Save it as UTF-8.",
            ) from error
        except OSError as error:
            raise ProjectError(
                f"The project file cannot be read: {error.strerror}.",
                where=str(self.folders.file),
                remedy="Give yourself read permission on it.",
            ) from error
        return parse(text, where=self.folders.file.name, read=reader(self.folders.root))

    @cached_property
    def network(self) -> Network:
        """The project's way out of this machine."""
        return Network(self.project.network, self.folders.root)

    @contextmanager
    def cluster(self, context: str) -> Iterator[Cluster]:
        """The cluster of a context of the kubeconfig; its current one for no name."""
        with adapter("cluster", "kubernetes")(context, self.network) as made:
            yield cast("Cluster", made)

    @cached_property
    def store(self) -> Store:
        """The project's content store."""
        made = adapter("store", "layout")(self.folders.layout, self.folders.unpacked)
        return cast("Store", made)

    @cached_property
    def engine(self) -> Engine:
        """The container engine that the project file names, or the best this machine has."""
        settings = self.project.engine
        name = choose(settings.name)
        # arguments are meant for one command line: not for whatever "auto" happens to choose
        args = settings.args if settings.name == name else ()
        made = adapter("engine", name)(self.store, self.folders.live / "containers", args)
        return cast("Engine", made)

    @contextmanager
    def jobs(
        self, place: Place, repository: str, image: Digest, progress: Progress
    ) -> Iterator[Engine]:
        """What runs steps in an environment, by a ``repository`` that it pulls from.

        ``image`` is the project's own of steps, which the porter stands on.
        """
        bucket, kind = place.settings.store.place, adapter("jobs", place.settings.engine)
        carrier = None
        if bucket is not None:
            carrier = Carrier(
                adapter("objects", "s3")(bucket, self.network, IN_CLUSTER), self.store
            )
        trusted = self.network.authorities if self.network.settings.ca else ""
        porter = write_porter(self.store, image, authorities=trusted, bucket=bucket is not None)
        images = Images(self.store, repository, porter, Access(self.network))
        with self.cluster(place.settings.context) as cluster:
            made = kind(
                cluster,
                place,
                self.store,
                images,
                progress,
                carrier=carrier,
                project=self.project.name,
            )
            yield cast("Engine", made)

    @cached_property
    def _database(self) -> object:
        private(self.folders.state)
        return adapter("database", "sqlite")(self.folders.ledger)

    @property
    def ledger(self) -> Ledger:
        """The records of the project."""
        return cast("Ledger", self._database)

    @property
    def observations(self) -> Observations:
        """What happened in production."""
        return cast("Observations", self._database)

    def seen_in(self, environment: str) -> Observations:
        """What happened in an environment."""
        folder = self.folders.environment(environment)
        private(self.folders.state)
        folder.mkdir(parents=True, exist_ok=True)
        return cast("Observations", adapter("database", "sqlite")(folder / "observations.db"))

    @cached_property
    def router(self) -> Router:
        """The router of the project's service."""
        made = adapter("router", "traefik")(
            self.folders.live, service=self.project.name, port=self.project.serve.port
        )
        return cast("Router", made)

    def shared(self, progress: Progress) -> SharedCache | None:
        """The team's cache of steps, if there is one; SEALIFT_SHARED_CACHE stands for the file's.

        What fails there is said, and never fails a run.
        """
        settings = self.project.cache
        place = os.environ.get("SEALIFT_SHARED_CACHE", settings.shared)
        if not place:
            return None
        inner: SharedCache
        if place.startswith("s3://"):
            try:
                inner = TeamCache(
                    adapter("objects", "s3")(BucketPlace(address=place), self.network), self.store
                )
            except MachineError as error:
                progress.say(f"The shared cache is left aside: {error.what} {error.remedy}")
                return None
        elif Path(place).expanduser().is_absolute():
            inner = TeamCache(Folder(Path(place).expanduser()), self.store)
        else:
            inner = RegistryCache(place, self.store, Access(self.network))
        return PatientCache(inner, progress, write=settings.write)

    def builder(self, progress: Progress, variant: Variant | None = None) -> Builder:
        """What makes the images for a variant (None: this machine, without a card)."""
        depot = None
        if repository := self.project.image.registry:
            access = Access(self.network)
            depot = RegistryDepot(repository, access, progress)

        def fetch(base: str, platform: str, wanted: Digest | None) -> Digest:
            source = source_of(base, self.folders.root, wanted=wanted)
            access = Access(self.network)
            return arrive(source, self.store, platform=platform, access=access, progress=progress)

        return Builder(
            self.project,
            self.folders,
            self.store,
            progress,
            lambda: self.engine,
            variant,
            depot,
            fetch,
            hermetic=self.hermetic,
        )

    @cached_property
    def signer(self) -> Signer:
        """The project's signing key, and the keys it trusts."""
        private(self.folders.state)
        made = adapter("signer", "keyfile")(self.folders.keys, os.environ.get(PASSWORD, ""))
        return cast("Signer", made)

    @property
    def keyring(self) -> Keyring:
        """The project's own key and those it trusts, as files."""
        return Keyring(self.folders.keys, os.environ.get(PASSWORD, ""))


def find(start: Path) -> Path:
    """The project's folder: the nearest one at or above ``start`` with a ``sealift.toml``.

    Raises ``ProjectError`` when there is none.
    """
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / "sealift.toml").is_file():
            return folder
    raise ProjectError(
        "There is no sealift.toml in this folder or above it.",
        where=str(here),
        remedy="Run `sealift init` to write one, or go to the project's folder.",
    )


__all__ = ["Wired", "find"]
