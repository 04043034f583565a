"""A model as an OCI artifact in the ModelPack format (CNCF model-spec, docs/config.md, 2026).

Each file is a plain tar with the path that it has in an image, so that the same blob is a layer
of the artifact and of the image.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sealift import archive, digest
from sealift.archive import Entry
from sealift.errors import IntegrityError, PackageError
from sealift.modelpack import FILEPATH, PLACE
from sealift.package.layer import sorted_entries
from sealift.ports import Store
from sealift.record.image import (
    LAYER,
    MANIFEST,
    MODEL_CONFIG,
    MODEL_MANIFEST,
    Descriptor,
    Layer,
    Manifest,
)
from sealift.types import Digest, Json

TITLE = "org.opencontainers.image.title"
"""What tools call a blob that they hand out as it is: here a tar, and so its name says."""
WEIGHTS = "model.onnx"
CODE = "code"
FILES = "files"
"""The folders of a model that a program of the user's own serves: the program, and its files."""
_BESIDE = {
    "model.json": "weight.config",
    "contract.json": "weight.config",
    "profile.json": "dataset",
    "golden.json": "dataset",
}
_DESCRIPTION = ("model.json", "contract.json", "golden.json")


def write_model(store: Store, folder: Path, *, name: str, version: int) -> Descriptor:
    """Keep a model: its weights and the JSON files beside them, as ``NAME:VERSION``'s artifact.

    Weights are ``model.onnx`` and, for models whose tensors lie outside it, the files whose names
    begin so; or the folder of what a program of the user's own loads, which has one too. The same
    files give the same digest. Large files are given away: the store may move them out of the
    folder. Raises ``PackageError`` when one is missing.
    """
    if (folder / CODE).is_dir():
        own = {CODE: "code", FILES: "weight"} | _BESIDE
        return _write(store, folder, own, {"name": name, "version": version, "format": "python"})
    outside = sorted(one.name for one in folder.glob(f"{WEIGHTS}?*"))
    files = dict.fromkeys((WEIGHTS, *outside), "weight") | _BESIDE
    return _write(store, folder, files, {"name": name, "version": version, "format": "onnx"})


def write_description(store: Store, folder: Path, *, name: str, version: int) -> Descriptor:
    """Keep what is known of a model whose weights are in an image of others: all but weights.

    The same files give the same digest. Raises ``PackageError`` when one is missing.
    """
    files = {file: _BESIDE[file] for file in _DESCRIPTION}
    return _write(store, folder, files, {"name": name, "version": version, "format": "image"})


def _write(
    store: Store, folder: Path, files: dict[str, str], about: dict[str, str | int]
) -> Descriptor:
    name, version = str(about["name"]), str(about["version"])
    layers = tuple(_layer(store, folder, file, kind) for file, kind in files.items())
    config: dict[str, Json] = {
        "descriptor": {"name": name, "title": f"{name} {version}", "version": version},
        "config": {"format": about["format"]},
        "modelfs": {"type": "layers", "diffIds": [str(layer.digest) for layer in layers]},
    }
    manifest = Manifest(
        artifact_type=MODEL_MANIFEST,
        config=store.put(digest.canonical(config), MODEL_CONFIG),
        layers=layers,
    )
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST)


def _layer(store: Store, folder: Path, file: str, kind: str) -> Descriptor:
    path = folder / file
    if not path.exists():
        raise PackageError(
            f"The model has no {file}.", where=str(folder), remedy="Run the training step again."
        )
    name = f"{PLACE}/{file}"
    kept = store.put(_packed(name, path), f"application/vnd.cncf.model.{kind}.v1.tar")
    return msgspec.structs.replace(kept, annotations={FILEPATH: name, TITLE: f"{file}.tar"})


def _packed(name: str, path: Path) -> archive.Packed:
    *folders, last = sorted_entries(_members(name, path))
    if path.is_file() and last.size >= archive.LARGE:
        return archive.Framed(folders, last)
    return archive.Packed([*folders, last])


def _members(name: str, path: Path) -> Iterator[Entry]:
    if path.is_file():
        yield Entry(name=name, kind="file", mode=0o644, content=path)
        return
    for one in archive.entries(path):
        inner = name if one.name == "." else f"{name}/{one.name}"
        yield dataclasses.replace(one, name=inner)


def is_whole(store: Store, model: Digest) -> bool:
    """Whether the artifact of a model and all that it names are in a store."""
    if not store.has(model):
        return False
    manifest = store.manifest(model)
    return all(store.has(one.digest) for one in (manifest.config, *manifest.layers))


def model_layers(store: Store, model: Digest) -> tuple[Layer, ...]:
    """The blobs of a model's artifact as layers of an image."""
    manifest = store.manifest(model)
    if manifest.artifact_type != MODEL_MANIFEST:
        raise IntegrityError("This is not the artifact of a model.", where=model)
    return tuple(
        Layer(
            descriptor=Descriptor(media_type=LAYER, digest=layer.digest, size=layer.size),
            diff_id=layer.digest,
            role="model",
            reused=True,
            holds=(layer.annotations or {}).get(FILEPATH, "").removeprefix(f"{PLACE}/"),
        )
        for layer in manifest.layers
    )


def unproved_layers(store: Store, model: Digest) -> tuple[Layer, ...]:
    """The layers of a model that need no proof of their libraries: all, or none with a program."""
    layers = model_layers(store, model)
    return () if any(layer.holds == CODE for layer in layers) else layers


__all__ = [
    "CODE",
    "TITLE",
    "is_whole",
    "model_layers",
    "unproved_layers",
    "write_description",
    "write_model",
]
