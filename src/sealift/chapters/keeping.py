"""What is registered stays: a model whose files the store lost is kept again when they come by."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sealift import digest
from sealift.package.artifact import is_whole, write_model
from sealift.record.model import Model
from sealift.types import Digest, Json
from sealift.wiring import Wired

CARD = "model.json"
"""The file of a model's artifact that says which version of which model it is."""


def keep(wired: Wired, folder: Path, about: dict[str, Json]) -> Digest:
    """Keep the files of a model with the card ``about`` beside them; the artifact's digest."""
    (folder / CARD).write_bytes(digest.canonical(about))
    name, version = str(about["name"]), int(str(about["version"]))
    return write_model(wired.store, folder, name=name, version=version).digest


def keep_again(wired: Wired, model: Model, folder: Path) -> Model | None:
    """Keep a registered model's files (``folder``, without the card) if the store lost any.

    None if it had not; else the model's record, which is written anew where its files are laid
    out in another way today.
    """
    if is_whole(wired.store, model.digest):
        return None
    about: dict[str, Json] = {"name": model.name, "version": model.version, "run": model.run}
    if model.conversion is not None:
        about["original"] = model.conversion.digest
    kept = msgspec.structs.replace(model, digest=keep(wired, folder, about))
    if kept != model:
        wired.ledger.save(kept)
    return kept


__all__ = ["CARD", "keep", "keep_again"]
