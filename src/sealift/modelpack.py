"""What a model's artifact holds, file by file (ModelPack: CNCF model-spec, docs/config.md)."""

from __future__ import annotations

import tarfile
from typing import TypeVar

import msgspec

from sealift.errors import IntegrityError, NotFoundError
from sealift.ports import Store
from sealift.record.model import Model

PLACE = "model"
"""The folder that a model's files have in an image, and in the tars of its artifact."""

FILEPATH = "org.cncf.model.filepath"
"""The annotation of a layer that names the file in it."""

T = TypeVar("T")


def read(store: Store, model: Model, name: str, kind: type[T]) -> T:
    """What a JSON file of a model's artifact holds, such as its ``profile``.

    Raises ``NotFoundError`` when the artifact or the file is not there, and ``IntegrityError``
    when it cannot be read.
    """
    path = f"{PLACE}/{name}.json"
    layers = store.manifest(model.digest).layers
    layer = next((one for one in layers if (one.annotations or {}).get(FILEPATH) == path), None)
    if layer is None:
        raise NotFoundError(f"Model {model.version} has no {name}.", where=model.digest)
    try:
        with store.open(layer.digest) as blob, tarfile.open(fileobj=blob, mode="r|") as tar:
            content = next((tar.extractfile(one) for one in tar if one.name == path), None)
            return msgspec.json.decode(content.read() if content else b"", type=kind)
    except (tarfile.TarError, EOFError, msgspec.DecodeError) as error:
        raise IntegrityError(
            f"The {name} of model {model.version} cannot be read: {error}.", where=layer.digest
        ) from error


__all__ = ["FILEPATH", "PLACE", "read"]
