"""A model's files in a folder, out of the layers of its artifact."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from sealift.errors import IntegrityError
from sealift.modelpack import PLACE
from sealift.package.artifact import model_layers
from sealift.ports import Store
from sealift.types import Digest


def unpack(store: Store, model: Digest, folder: Path) -> None:
    """Write the files of a model's artifact to a new folder, as they lie in an image's ``/model``.

    The folder is there once it is whole. Raises ``OSError``, and ``IntegrityError`` for a layer
    that holds anything else.
    """
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        for layer in model_layers(store, model):
            with (
                store.open(layer.descriptor.digest) as blob,
                tarfile.open(fileobj=blob, mode="r|") as archive,
            ):
                archive.extractall(draft, filter="data")
        (draft / PLACE).rename(folder)
    except tarfile.TarError as error:
        raise IntegrityError(f"A layer of the model is damaged: {error}.", where=model) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


__all__ = ["unpack"]
