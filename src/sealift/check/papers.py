"""What is known of an image beside its own files: what is demanded of it, and what tells of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sealift.ports import Store
from sealift.record.check_settings import CheckSettings
from sealift.record.image import Image
from sealift.record.lock import Lock, Locks
from sealift.record.model import Model
from sealift.record.run import Run
from sealift.types import Json

Document = dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class Papers:
    """The settings of the checks, the store that has the image, and the documents about it.

    Paths of the settings start at ``folder``. ``bill`` and ``provenance`` give the documents that
    are signed by a trusted key, ``signed`` makes sure of all of them and of the image's signature,
    ``lock`` gives the lock that the image was made from; each raises a ``SealiftError`` where that
    is not to be had. ``locks`` are the project's own. ``image``, ``model`` and ``run`` are the
    project's records, None for an image from elsewhere. ``lacking`` are the instructions that this
    processor lacks of those by which numeric libraries computed at the training.
    """

    settings: CheckSettings
    folder: Path
    store: Store
    bill: Callable[[], Document]
    provenance: Callable[[], Document]
    signed: Callable[[], None]
    lock: Callable[[], Lock]
    locks: Locks
    image: Image | None = None
    model: Model | None = None
    run: Run | None = None
    lacking: tuple[str, ...] = ()


UNKNOWN = "nothing is known of the image beside its files."
"""Why a check is spared that needs papers, where there are none."""

__all__ = ["UNKNOWN", "Document", "Papers"]
