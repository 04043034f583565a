"""What an image says of itself: how it is started, and the model in it."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from sealift import modelpack
from sealift.errors import CheckError
from sealift.ports import Store
from sealift.record.contract import Contract, Golden
from sealift.record.launch import OWN_ENVIRONMENT, Launch
from sealift.record.model import Model, Origin
from sealift.record.reading import decode
from sealift.types import Digest

T = TypeVar("T")
REMEDY = "Build the image with `sealift package`."


class Start(msgspec.Struct, frozen=True, rename="pascal"):
    """How an image is started: the part of an OCI image configuration that says so."""

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    env: tuple[str, ...] | None = None
    working_dir: str = "/"

    @property
    def argv(self) -> tuple[str, ...]:
        """The program and its arguments."""
        return (self.entrypoint or ()) + (self.cmd or ())

    @property
    def environment(self) -> dict[str, str]:
        """The variables by name."""
        return {name: value for name, _, value in (item.partition("=") for item in self.env or ())}


class Config(msgspec.Struct, frozen=True):
    """An OCI image configuration, as far as starting needs it."""

    os: str = ""
    architecture: str = ""
    config: Start = Start()

    @property
    def platform(self) -> str:
        """What it runs on, such as ``linux/amd64``; empty where it does not say."""
        return f"{self.os}/{self.architecture}" if self.os and self.architecture else ""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """The model in an image, by name and version."""

    name: str
    version: int


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """An image that serves a model: how to start it, and what its answers must fit.

    The model's version is Sealift's own number; a server of others does not know it.
    """

    image: Digest
    launch: Launch
    model: Served
    contract: Contract
    golden: Golden
    platform: str = ""
    """What the image runs on, in OCI's words; empty where that is not known."""

    root: str = ""
    """Where the image's files lie, unpacked."""


def read(image: Digest, store: Store) -> Subject:
    """Read it from the image in the store.

    Raises ``CheckError`` for an image that serves no model, ``NotFoundError`` and
    ``IntegrityError`` as the store does.
    """
    manifest = store.manifest(image)
    if kind := manifest.artifact_type:
        raise CheckError(
            f"This is no image that can be started, but an artifact: {kind}.",
            where=image,
            remedy="Check the image that serves the model; `sealift package` makes it.",
        )
    with store.open(manifest.config.digest) as blob:
        config = _read(blob.read(), Config, "image configuration")
    start = config.config
    if not start.argv:
        raise CheckError("The image does not say how it is started.", where=image, remedy=REMEDY)
    folder = store.rootfs(image) / "model"
    contract = _file(folder / "contract.json", Contract)
    golden = _file(folder / "golden.json", Golden)
    _belong_together(contract, golden)
    return Subject(
        image=image,
        launch=Launch(
            argv=start.argv,
            env={**start.environment, **OWN_ENVIRONMENT},
            workdir=start.working_dir,
        ),
        platform=config.platform,
        root=str(store.rootfs(image)),
        model=_file(folder / "model.json", Served),
        contract=contract,
        golden=golden,
    )


def brought(model: Model, origin: Origin, store: Store) -> Subject:
    """What is to be checked of an image of others, from the record of its model.

    Raises ``NotFoundError`` and ``IntegrityError`` as the store does.
    """
    return Subject(
        image=origin.image,
        root=str(store.rootfs(origin.image)),
        launch=origin.launch,
        model=Served(name=origin.served, version=model.version),
        contract=model.contract,
        golden=modelpack.read(store, model, "golden", Golden),
    )


def _file(path: Path, kind: type[T]) -> T:
    place = f"/model/{path.name}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckError(
            "The image holds no model: a file of it is missing.", where=place, remedy=REMEDY
        ) from error
    return _read(content, kind, place)


def _read(content: bytes, kind: type[T], place: str) -> T:
    try:
        return decode(content, kind)
    except ValueError as error:
        raise CheckError(
            f"A file of the image cannot be read: {error}.", where=place, remedy=REMEDY
        ) from error


def _belong_together(contract: Contract, golden: Golden) -> None:
    fields = {field.name for field in contract.fields}
    if (
        contract.prediction not in golden.outputs
        or any(len(values) != len(golden.rows) for values in golden.outputs.values())
        or any(row.keys() != fields for row in golden.rows)
    ):
        raise CheckError(
            "The golden vectors do not fit the contract.",
            where="/model/golden.json",
            remedy="Train the model again with `sealift train`.",
        )


__all__ = ["Config", "Served", "Start", "Subject", "brought", "read"]
