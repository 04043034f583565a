"""What the target of a check means: an image in the store, in a registry or on the disk."""

from __future__ import annotations

from pathlib import Path

from sealift.adapters.images.arrive import arrive
from sealift.adapters.images.source import parse
from sealift.adapters.registries.session import Access
from sealift.errors import IntegrityError, NotFoundError, UsageError
from sealift.network.network import Network
from sealift.package import locking
from sealift.ports import Progress, Store
from sealift.record.image import INDEX, Index, platform_of
from sealift.record.reading import decode
from sealift.types import Digest

_DIGITS = 12
_KINDS = (
    "It is a version of the model, @ALIAS, a digest (12 digits or more), HOST/REPOSITORY:TAG, "
    "oci:FOLDER, oci-archive:FILE, or a server's address such as http://127.0.0.1:8080."
)


def is_version(ours: str, target: str) -> bool:
    """Whether it names a version of the model called ``ours``: ``7``, ``NAME:7``, ``@champion``.

    >>> is_version("flights", "flights:7"), is_version("flights", "host/flights@sha256:00")
    (True, False)
    """
    name, _, alias = target.rpartition("@")
    aliased = name in ("", ours) and "@" in target and ":" not in alias
    return target.removeprefix(f"{ours}:").isdecimal() or aliased


def image(place: str, store: Store, network: Network, progress: Progress) -> Digest:
    """The digest of the image at a place, which is in the store then; of an index, the one for
    this machine.

    Raises ``UsageError`` for what names no place, ``NotFoundError``, ``IntegrityError`` and what
    registries raise.
    """
    if place.startswith("sha256:"):
        return kept(store, place, locking.here())
    if not place.startswith(("oci:", "oci-archive:", "docker-archive:")):
        _be_reference(place)
    progress.step("image", f"from {place}")
    access = Access(network)
    source = parse(place)
    return arrive(source, store, platform=locking.here(), access=access, progress=progress)


def kept(store: Store, place: str, platform: str) -> Digest:
    """The image in the store of a digest, or of a beginning of one that is unique.

    Of an index it is the image for ``platform``. Raises ``NotFoundError`` where there is none.
    """
    digits = place.removeprefix("sha256:")
    if set(digits) - set("0123456789abcdef") or not _DIGITS <= len(digits) <= 64:
        raise UsageError(
            f"{place!r} is no digest.",
            remedy=f"Write sha256: and {_DIGITS} to 64 digits from 0 to 9 and a to f.",
        )
    try:
        found = store.resolve(place)
    except NotFoundError as error:
        raise NotFoundError(
            "There is no such image in the store.",
            where=place,
            remedy="`sealift models` lists the images by model; name a registry's with its "
            "repository.",
        ) from error
    return _entry(store, found.digest, platform) if found.media_type == INDEX else found.digest


def _entry(store: Store, index: Digest, platform: str) -> Digest:
    with store.open(index) as blob:
        content = blob.read()
    try:
        entries = decode(content, Index).manifests
    except ValueError as error:
        raise IntegrityError(f"This is no index of images: {error}.", where=index) from error
    known = [one for one in entries if one.platform and one.platform.get("os") != "unknown"]
    wanted = platform_of(platform)
    for one in known:
        if {key: (one.platform or {}).get(key) for key in wanted} == wanted:
            return one.digest
    names = sorted({_spelled(one.platform or {}) for one in known})
    raise NotFoundError(
        f"The index has no image for this machine, which is {platform}.",
        where=index,
        remedy=f"It has images for: {', '.join(names) or 'no named platform'}.",
    )


def _spelled(platform: dict[str, str]) -> str:
    return "/".join(platform[key] for key in ("os", "architecture", "variant") if key in platform)


def _be_reference(place: str) -> None:
    """Say what else was meant by what would be read as a name of Docker's own registry."""
    if Path(place).exists():
        kind = "oci:" if Path(place).is_dir() else "oci-archive: or docker-archive:"
        raise UsageError(
            f"{place!r} is a {'folder' if kind == 'oci:' else 'file'}.",
            remedy=f"Write {kind} before it, to say in what form the image is there.",
        )
    host, colon, port = place.partition(":")
    if "/" not in place and colon and port.isdecimal():
        raise UsageError(
            f"{place!r} names no image.",
            remedy=f"For the server there write http://{host}:{port}, for an image of Docker's "
            f"own registry docker.io/library/{place}.",
        )
    if "/" not in place:
        raise UsageError(f"{place!r} is no target of a check.", remedy=_KINDS)


__all__ = ["image", "is_version", "kept"]
