"""Where an image lies that is to be brought in, as people write it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from sealift.adapters.registries.reference import Reference
from sealift.adapters.registries.reference import parse as reference
from sealift.errors import NotFoundError, UsageError
from sealift.types import Digest

Kind = Literal["registry", "oci", "oci-archive", "docker-archive"]
_FILES: tuple[Kind, ...] = ("oci", "oci-archive", "docker-archive")
_DOCKER = "docker://"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A place of an image: its kind, the reference or the path, and the name of the image there."""

    kind: Kind
    place: str
    name: str = ""

    def __str__(self) -> str:
        if self.kind == "registry":
            return self.place
        return f"{self.kind}:{self.place}{f':{self.name}' if self.name else ''}"


def parse(text: str) -> Source:
    """``HOST/REPOSITORY:TAG``, ``oci:FOLDER[:NAME]``, ``oci-archive:FILE`` or ``docker-archive:``.

    A path may hold colons: what is there counts. Raises ``UsageError`` for what is no reference
    and ``NotFoundError`` for a path that is not there.

    >>> str(parse("registry.example.com/team/model:3"))
    'registry.example.com/team/model:3'
    """
    word, colon, rest = text.partition(":")
    kind = next((one for one in _FILES if one == word), None)
    if not colon or kind is None:
        return Source(kind="registry", place=str(reference(text.removeprefix(_DOCKER))))
    if not rest:
        raise UsageError(f"{text!r} names no path.", remedy=f"Write {kind}:PATH or {kind}:PATH:TAG")
    cut = len(rest)
    while cut > 0:
        if Path(rest[:cut]).exists():
            return Source(kind=kind, place=rest[:cut], name=rest[cut + 1 :])
        cut = rest.rfind(":", 0, cut)
    raise NotFoundError(
        "There is no such file or folder.",
        where=rest,
        remedy=f"Write {kind}:PATH or {kind}:PATH:TAG",
    )


def near(text: str, folder: Path, wanted: Digest | None = None) -> Source:
    """The same, with paths that are not absolute taken as being in ``folder``.

    ``wanted`` is the digest of the image that it was: in a registry that one is meant, whatever
    the tag leads to now.
    """
    kind, colon, rest = text.partition(":")
    if colon and kind in _FILES and rest and not Path(rest).is_absolute():
        return parse(f"{kind}:{folder / rest}")
    source = parse(text)
    if wanted is None or source.kind != "registry":
        return source
    exact = msgspec.structs.replace(reference(source.place), tag="", digest=wanted)
    return Source(kind="registry", place=str(exact))


def registry_of(text: str) -> Reference | None:
    """The place in a registry that a text names; None when it names a file, or nothing."""
    kind, colon, _ = text.partition(":")
    if not text or (colon and kind in _FILES):
        return None
    return reference(text.removeprefix(_DOCKER))


__all__ = ["Kind", "Source", "near", "parse", "registry_of"]
