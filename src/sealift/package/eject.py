"""An image as a folder to build it from with a Dockerfile, for those who must."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sealift import clock
from sealift.errors import IntegrityError, MachineError, NotFoundError, UsageError
from sealift.modelpack import PLACE
from sealift.package import dockerfile, server
from sealift.package.dockerfile import REQUIREMENTS, SERVER, WHEELS, Settings
from sealift.package.unpack import put, unpack
from sealift.ports import Store
from sealift.record.image import Image
from sealift.record.lock import Built, Lock
from sealift.record.model import Model

_CHUNK = 1 << 20
_README = """\
# A model server, to be built from a Dockerfile

    docker build --platform {platform} --tag model .
    docker run --rm --read-only --tmpfs /tmp {ports} -e SEALIFT_HOST=0.0.0.0 model

podman and buildah take the same words. Another base: `--build-arg BASE=...` (Debian {suite}, with
the sources of its updates and security updates, as the usual one has them). Another package index:
`--build-arg PIP_INDEX_URL=...`; mirrors of Debian, proxies and certificates are those of the base.

The same as in the image that Sealift packaged: the model's files, the server's files, the wheels
(by digest), the versions of the Debian packages named, environment, user, entry point and labels.

Not the same: the bytes. The base has more packages, a shell and apt among them; maintainer scripts
run; times differ. Wheels are whole: an image that Sealift packages without a program of your own
leaves out onnxruntime's `libonnxruntime.so.*`, which the server does not load. Nobody signed the
result: the bill of materials, the provenance and the report of `sealift check` are about the
packaged image, not about this one.

To check what you built: `/v2/health/ready` answers 200 only once the model gave its golden answers
again. `sealift package --from-image docker-archive:FILE` brings the image in, for `sealift check`.
"""


class _Config(msgspec.Struct, frozen=True):
    config: Settings


def write(image: Image, model: Model, lock: Lock, store: Store, to: Path) -> None:
    """Write all that a Dockerfile needs to build an image of a model to a folder.

    The folder is written whole or not at all. Raises ``UsageError`` when something is in it,
    ``NotFoundError`` when a wheel is no longer there that was built here, and ``MachineError`` when
    the folder cannot be written.
    """
    target = to.resolve()
    try:
        _require_empty(target, to)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{clock.token(8)}")
        try:
            for name, pieces in _files(image, lock, store):
                put(part / name, pieces)
            for layer in store.manifest(model.digest).layers:
                unpack(store, layer.digest, part)
            for folder in (part, *(one for one in part.rglob("*") if one.is_dir())):
                folder.chmod(0o755)
            part.replace(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise MachineError(
            f"The folder cannot be written: {error.strerror or error}.",
            where=str(to),
            remedy="Free some space, or name a folder that you may write.",
        ) from error


def _require_empty(target: Path, named: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(
            "The folder to write to is not empty.",
            where=str(named),
            remedy="Name a folder that is empty or not there yet.",
        )


def _files(image: Image, lock: Lock, store: Store) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The names of all files but the model's, and the pieces of what is in them."""
    # with a program of the user's own, an image has the packages of the steps too
    more = lock.packages if any(layer.role == "packages" for layer in image.layers) else ()
    lines = (*lock.runtime, *more)
    told, built = settings(store, image), _built(lock, lines)
    for name, text in _texts(lock, lines, told, built).items():
        yield name, iter((text.encode(),))
    for entry in server.files(lock.platform):
        inside = entry.name.removeprefix(f"{server.PLACE}/")
        if isinstance(entry.content, bytes):
            yield f"{SERVER}/{inside}", iter((entry.content,))
    for one in built:
        yield f"{WHEELS}/{one.wheel}", _wheel(store, one)


def settings(store: Store, image: Image) -> Settings:
    """The settings of an image in the store. Raises ``IntegrityError`` when it has others."""
    with store.open(store.manifest(image.digest).config.digest) as blob:
        content = blob.read()
    try:
        return msgspec.json.decode(content, type=_Config).config
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            f"This is no image that serves: {error}.", where=image.digest
        ) from error


def _texts(
    lock: Lock, lines: tuple[str, ...], told: Settings, built: list[Built]
) -> dict[str, str]:
    copied = [REQUIREMENTS, SERVER, PLACE, *([WHEELS] if built else [])]
    ports = [one.partition("/")[0] for one in told.exposed_ports]
    return {
        "Dockerfile": dockerfile.dockerfile(lock, told, built=bool(built), model=PLACE),
        REQUIREMENTS: "".join(f"{line}\n" for line in lines),
        ".dockerignore": "*\n" + "".join(f"!{name}\n" for name in copied),
        "README.md": _README.format(
            platform=lock.platform,
            suite=lock.suite,
            ports=" ".join(f"-p {port}:{port}" for port in ports),
        ),
    }


def _built(lock: Lock, lines: tuple[str, ...]) -> list[Built]:
    """The wheels of these lines that are in no index."""
    return [one for one in lock.built if any(one.digest in line for line in lines)]


def _wheel(store: Store, one: Built) -> Iterator[bytes]:
    if not store.has(one.digest):
        raise NotFoundError(
            f"The wheel {one.wheel}, which was built here, is not in the store.",
            where=one.digest,
            remedy="Run `sealift package` again: it brings it, or builds it again.",
        )
    with store.open(one.digest) as stream:
        while piece := stream.read(_CHUNK):
            yield piece


__all__ = ["settings", "write"]
