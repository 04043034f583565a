"""The outside world on one page: what Sealift needs of it, in protocols of a few methods.

Adapters implement them (``sealift.adapters``), each passing the suite for its port in
``sealift.testing``; the stages receive them as arguments and know nothing else of the world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from sealift.kubernetes.cluster import Cluster
from sealift.record.container import Container, ContainerSpec, Exit, Guarantees
from sealift.record.dataset import Snapshot
from sealift.record.image import Descriptor, Image, Manifest
from sealift.record.mark import Mark
from sealift.record.model import Model
from sealift.record.observation import Label, Prediction, RequestSeen, Scored, Sketch
from sealift.record.project import Source
from sealift.record.release import Release
from sealift.record.route import Route
from sealift.record.run import Run, StepRun
from sealift.types import Digest, Json


class Engine(Protocol):
    """Runs containers from images in the project's store."""

    @property
    def name(self) -> str:
        """Its name in the project file."""
        ...

    def guarantees(self) -> Guarantees:
        """What it enforces on this machine."""
        ...

    def run(self, spec: ContainerSpec, *, timeout: float | None = None) -> Exit:
        """Run to the end; blocks. The container dies with the caller, however that dies.

        A container that outlives ``timeout`` seconds is killed and its exit says so.
        """
        ...

    def start(self, spec: ContainerSpec) -> Container:
        """Start in the background; it outlives the caller. Returns once its process exists."""
        ...

    def stop(self, container: Container, *, grace: float) -> None:
        """SIGTERM, then SIGKILL after ``grace`` seconds. Nothing happens if it is gone already."""
        ...

    def find(self, labels: dict[str, str]) -> list[Container]:
        """Every container it started, by whatever process, that has all these labels.

        A container whose caller died between starting it and recording it is found too.
        """
        ...


class Lake(Protocol):
    """Datasets, pinned where they lie."""

    def pin(self, name: str, source: Source) -> Snapshot:
        """The present state of a dataset. Raises ``DataError`` when nothing is there."""

    def verify(self, pinned: Snapshot) -> None:
        """Raises ``DataError`` that names what is gone or different by now."""


class Store(Protocol):
    """Content by digest, in the form of an OCI image layout."""

    @property
    def root(self) -> Path:
        """The folder of the layout (``oci-layout``, ``index.json``, ``blobs/``)."""

    def has(self, digest: Digest) -> bool:
        """Whether a blob is here."""

    def put(self, content: BinaryIO | bytes, media_type: str) -> Descriptor:
        """Keep a blob; crash-safe: it is whole or absent. The same bytes are kept once."""

    def adopt(self, file: Path, digest: Digest) -> None:
        """Take a finished file below ``root`` as a blob: moved, not copied, nor hashed again.

        For whoever wrote it just now and found it to have this digest.
        """
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Read a blob; its digest is checked at the end of the stream (``IntegrityError``).

        Raises ``NotFoundError`` when it is not here.
        """
        ...

    def tag(self, name: str, manifest: Descriptor) -> None:
        """Name a manifest; the name moves if it is taken."""

    def resolve(self, reference: str) -> Descriptor:
        """The manifest of a name, of a digest or of a unique beginning of one (12 digits or more).

        Raises ``NotFoundError`` with the nearest name, or with those there are.
        """
        ...

    def manifest(self, digest: Digest) -> Manifest:
        """A manifest as a record."""

    def referrers(self, subject: Digest, artifact_type: str = "") -> list[Descriptor]:
        """The manifests whose ``subject`` is this digest, oldest first."""

    def forget(self, referrer: Digest) -> None:
        """List a manifest no longer among the referrers of its subject; its names go too.

        Its content stays. Nothing happens if it is not listed.
        """
        ...

    def put_tree(self, root: Path) -> Digest:
        """Keep a file or a folder as one uncompressed, deterministic tar; the blob's digest."""

    def tree(self, digest: Digest) -> Path:
        """A kept tree as a read-only folder (or file), unpacked at most once."""

    def rootfs(self, manifest: Digest) -> Path:
        """The root file system of an image: its layers in order, as a read-only folder."""


class Depot(Protocol):
    """Content that lies elsewhere, by digest."""

    def bring(self, blobs: Sequence[Descriptor], store: Store) -> bool:
        """Bring blobs into a store; whether all are there now."""


class SharedCache(Protocol):
    """Steps of a team by their keys; every method raises ``SealiftError`` where it fails."""

    def find(self, key: Digest) -> StepRun | None:
        """A finished step, its outputs brought into the project's store; None: there is none."""

    def offer(self, step: StepRun) -> None:
        """Put a finished step there, with its outputs."""

    def keep(self, key: Digest, folder: Path) -> None:
        """Keep what a step at work wrote to go on from, in place of what was kept before."""

    def resume(self, key: Digest, folder: Path) -> bool:
        """Make ``folder`` with what was kept last of a step; whether there was anything."""

    def drop(self, key: Digest) -> None:
        """Remove what was kept of a step."""

    def publish(self, run: Run) -> None:
        """Put the record of a finished run there, with its code and all outputs."""

    def recall(self, word: str) -> Run | None:
        """The run whose id is ``word``, or alone begins or ends so, with its code and outputs."""


T = TypeVar("T", Run, Model, Image, Release, Mark)


class Ledger(Protocol):
    """The records of a project, by kind and identifier."""

    def save(self, record: Run | Model | Image | Release | Mark) -> None:
        """Insert or replace, in one transaction; a run with all its steps."""
        ...

    def add_steps(self, run: str, steps: Mapping[int, StepRun]) -> None:
        """Add to a saved run how steps ended, in one transaction, whatever else it holds.

        They are in its record in the order of these numbers; one that is taken is replaced.
        """
        ...

    def get(self, kind: type[T], key: str | int) -> T:
        """One record by id (run, release), version (model) or digest (image).

        Raises ``NotFoundError`` that names what there is.
        """
        ...

    def amend(self, kind: type[T], key: str | int, change: Callable[[T], T]) -> T:
        """Read, change and save one record, with no other writer in between; what was saved."""
        ...

    def amend_head(self, run: str, change: Callable[[Run], Run]) -> Run:
        """The same of a run without its steps, which are not read and stay as they are."""
        ...

    def all(self, kind: type[T]) -> list[T]:
        """Every record of a kind, oldest first."""
        ...

    def heads(self) -> list[Run]:
        """Every run without its steps, of which there may be very many; oldest first."""
        ...

    def next_version(self) -> int:
        """A model version that was never given out before."""
        ...

    def cached(self, key: Digest) -> StepRun | None:
        """The newest finished step with this key whose outputs are known."""
        ...

    def latest(self, name: str) -> StepRun | None:
        """The newest outcome of a step of this name, in whatever run, that was not skipped."""
        ...

    def exclusive(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock of this name; freed when its holder dies. Raises ``UsageError`` if taken."""
        ...


class Observations(Protocol):
    """What happened in production, and how far it has been read."""

    def add(
        self,
        *,
        cursors: dict[str, Json],
        requests: Sequence[RequestSeen] = (),
        predictions: Sequence[Prediction] = (),
        sketches: Sequence[Sketch] = (),
        labels: Sequence[Label] = (),
        after: dict[str, Json] | None = None,
    ) -> bool:
        """Add all of it and move the cursors, in one transaction: never lost, never twice.

        Sketches with the same version, field and time are added up. A prediction or a label with
        an id that is known replaces nothing (the first one counts). A label whose prediction is
        not known yet waits for it, until a million labels came after it.

        ``after`` holds the cursors from which this was read on: when another reader has moved
        one of them meanwhile, nothing is added and the answer is False.
        """
        ...

    def cursors(self) -> dict[str, Json]:
        """How far each log has been read."""
        ...

    def requests(self, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, RequestSeen]]:
        """Requests with their serial numbers, in order, from the one behind ``after``."""
        ...

    def scored(self, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, Scored]]:
        """Predictions whose label is known, with serial numbers in the order labels came."""
        ...

    def sketches(self, version: int, *, since: float = 0.0) -> list[Sketch]:
        """The sketches of one version."""
        ...

    def counts(self, *, since: float = 0.0) -> dict[int, dict[str, int]]:
        """By version: requests, failed (500 and above, or none), predictions, labels."""
        ...


class Router(Protocol):
    """Spreads the requests of a service over versions, behind one address."""

    @property
    def address(self) -> str:
        """The stable base URL of the service; it survives restarts of the router."""
        ...

    def start(self) -> bool:
        """Start what is missing of it, adopt what runs; whether anything was missing. Idempotent.

        Cheap when nothing is, so that it may be called often.
        """
        ...

    def stop(self) -> None:
        """End it. Idempotent."""
        ...

    def running(self) -> bool:
        """Whether it is there and answers."""
        ...

    def apply(self, route: Route) -> None:
        """Put a route in force; returns once requests follow it. Raises ``ReleaseError``.

        Requests that came before may still be with servers of the route before it: such a server
        may be ended once no connection to it is open.
        """
        ...

    def events(self, cursor: Json) -> tuple[list[RequestSeen], Json]:
        """Requests since the cursor (None: from the first), and the new cursor."""
        ...


class Signer(Protocol):
    """Signs bytes and recognises signatures."""

    @property
    def key_id(self) -> str:
        """The fingerprint of the public key."""

    def sign(self, payload: bytes) -> bytes:
        """A signature of the payload."""

    def verify(self, payload: bytes, signature: bytes, key_id: str) -> None:
        """Raises ``IntegrityError``: unknown key, or a signature that does not fit."""


class Progress(Protocol):
    """Tells a person how long work goes on."""

    def step(self, name: str, status: str) -> None:
        """A named piece of work reached a status, in a word or two."""

    def say(self, text: str) -> None:
        """A line of talk."""


__all__ = [
    "Cluster",
    "Depot",
    "Engine",
    "Lake",
    "Ledger",
    "Observations",
    "Progress",
    "Router",
    "SharedCache",
    "Signer",
    "Store",
]
