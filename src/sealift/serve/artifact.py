"""What an image serves: the folder with the model, its contract and its golden vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from sealift.errors import PackageError
from sealift.record.contract import Contract, Golden
from sealift.serve.folder import CODE

T = TypeVar("T")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """``model.json``: which model this is, and the run that made it."""

    name: str
    version: int
    run: str = ""


class Artifact(msgspec.Struct, frozen=True):
    """A model that is ready to be loaded."""

    identity: Identity
    contract: Contract
    golden: Golden
    folder: Path

    @property
    def program(self) -> bool:
        """Whether it is a program of the user's own."""
        return (self.folder / CODE).is_dir()

    @property
    def size(self) -> int:
        """Bytes of its files, those that the model keeps its weights in among them."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())


def read(folder: Path) -> Artifact:
    """Read the folder of a model. Raises ``PackageError`` when a part is missing or damaged."""
    return Artifact(
        identity=_part(folder / "model.json", Identity),
        contract=_part(folder / "contract.json", Contract),
        golden=_part(folder / "golden.json", Golden),
        folder=folder,
    )


def read_all(folder: Path) -> tuple[Artifact, ...]:
    """Read the folder of a model, or a folder of such folders, in order of their names.

    Raises ``PackageError`` when a part is missing or damaged, or two models have the same name.
    """
    inner = sorted(path.parent for path in folder.glob("*/model.json"))
    if not inner or (folder / "model.json").exists():
        return (read(folder),)
    found: dict[str, Artifact] = {}
    for one in map(read, inner):
        other = found.setdefault(one.identity.name, one)
        if other is not one:
            raise PackageError(
                f"Two models are called {one.identity.name!r}: those in {other.folder.name} and "
                f"{one.folder.name}.",
                where=str(folder),
                remedy="Give one of them another name in its model.json.",
            )
    return tuple(found.values())


def _part(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise PackageError(
            f"{path.name} cannot be read: {error.strerror}.", where=str(path)
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PackageError(
            f"{path.name} is damaged: {error}.",
            where=str(path),
            remedy="Build the image again.",
        ) from error


__all__ = ["Artifact", "Identity", "read", "read_all"]
