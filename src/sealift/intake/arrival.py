"""What an image of others says of itself, and how its server is started."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.errors import IntegrityError, PackageError
from sealift.ports import Store
from sealift.record.from_image import FromImageSettings
from sealift.record.image import Descriptor, Layer
from sealift.record.launch import Launch, places
from sealift.record.reading import decode
from sealift.types import Digest

_PORT = (
    "Write env = { PORT = '{port}' } with the variable that it reads, or args with {port} in them."
)


class Process(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of an image's configuration that says how it is started."""

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    env: tuple[str, ...] | None = None
    working_dir: str = ""
    exposed_ports: dict[str, object] | None = None


class RootFs(msgspec.Struct, frozen=True):
    """The layers by the digests of their plain tars, from the bottom."""

    diff_ids: tuple[Digest, ...]


class Config(msgspec.Struct, frozen=True):
    """An image's configuration (image-spec 1.1, config.md), as far as it is read."""

    os: str
    architecture: str
    rootfs: RootFs
    config: Process = Process()


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is in the store: what it runs on, its layers, and how it is started."""

    manifest: Descriptor
    platform: str
    layers: tuple[Layer, ...]
    process: Process


def arrival(image: Digest, store: Store, platform: str) -> Arrival:
    """What an image in the store says of itself.

    Raises ``PackageError`` for one that does not run on this platform, or is no image of a program.
    """
    manifest = store.manifest(image)
    with store.open(image) as blob:
        size = len(blob.read())
    config = _config(manifest.config.digest, store)
    runs_on = f"{config.os}/{config.architecture}"
    if runs_on != platform:
        raise PackageError(
            f"The image runs on {runs_on}, and this machine is {platform}.",
            where=image,
            remedy="Name an image for this platform, or an index that holds one.",
        )
    if len(config.rootfs.diff_ids) != len(manifest.layers):
        raise IntegrityError("An image and its configuration differ in layers.", where=image)
    return Arrival(
        manifest=Descriptor(media_type=manifest.media_type, digest=image, size=size),
        platform=runs_on,
        layers=tuple(
            Layer(descriptor=layer, diff_id=diff_id, role="brought", reused=True)
            for layer, diff_id in zip(manifest.layers, config.rootfs.diff_ids, strict=True)
        ),
        process=config.config,
    )


def _config(digest: Digest, store: Store) -> Config:
    with store.open(digest) as blob:
        content = blob.read()
    try:
        return decode(content, Config)
    except ValueError as error:
        raise PackageError(
            f"This is not an image of a program: {error}.",
            where=digest,
            remedy="Name an image that a container can be started from.",
        ) from error


def launch(process: Process, settings: FromImageSettings) -> Launch:
    """How the server of an image is started.

    Raises ``PackageError`` when there is no program, or nothing tells it its port: containers share
    the network of this machine, and two versions run at once during a release.
    """
    entry = process.entrypoint or () if settings.command is None else settings.command
    words = (process.cmd or ()) if settings.command is None else ()
    argv = (*entry, *(words if settings.args is None else settings.args))
    if not argv:
        raise PackageError(
            "The image does not say how it is started.",
            where="[from_image]",
            remedy="Write command = ['/path/of/its/program'] there.",
        )
    made = Launch(
        argv=argv,
        env=settings.env,
        workdir=process.working_dir or "/",
        scratch=tuple(settings.scratch),
        live=settings.live,
        ready=settings.ready,
        budget=float(settings.budget),
    )
    if "port" not in places(made):
        raise PackageError(
            "Nothing tells the server on which port to listen, and a fixed one would collide with "
            "that of the version before it.",
            where="[from_image]",
            remedy=" ".join([_PORT, *_hints(process)]),
        )
    return made


def _hints(process: Process) -> Iterator[str]:
    """What the image says of its port, in words."""
    pairs = [item.partition("=") for item in process.env or ()]
    named = [f"{name}={value}" for name, _, value in pairs if "PORT" in name.upper()]
    if named:
        yield f"The image sets {', '.join(named)}."
    if process.exposed_ports:
        yield f"It says that it listens on {', '.join(sorted(process.exposed_ports))}."
    words = " ".join([*(process.entrypoint or ()), *(process.cmd or ())])
    if words:
        yield f"It is started by: {words}"


__all__ = ["Arrival", "Process", "arrival", "launch"]
