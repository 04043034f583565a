"""The packages in the image are those of the lock, file by file."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sealift.check import installed
from sealift.check.check import Check, error, info, spared, warning
from sealift.check.golden import told
from sealift.check.installed import Deb, Wheel
from sealift.check.papers import UNKNOWN, Papers
from sealift.check.target import Target
from sealift.record.lock import Lock
from sealift.record.pin import Pin, pins
from sealift.record.report import Finding

AGAIN = "Run `sealift package` again, and release that image."
_BYTECODE = ".pyc"
_OURS = ("base", "debian", "runtime", "spare", "packages")
"""The roles of layers that are made of packages."""


def findings(target: Target) -> Iterator[Finding]:
    """Compare names, versions, files and layers with the lock that the image was made from."""
    papers = target.papers
    if papers is None:
        yield spared(UNKNOWN)
        return
    if papers.model is not None and papers.model.origin is not None:
        yield spared("others built the image, without a lock.")
        return
    lock, root = papers.lock(), Path(target.subject.root)
    wheels, debs = installed.wheels(root), installed.debs(root)
    yield from hashed(lock)
    yield from named(wheels, lock)
    yield from distributed(debs, lock)
    if lock.foundation is not None:
        wheels = [one for one in wheels if one.name in _pins(lock)]
    changed = [*wheel_files(root, wheels), *deb_files(root, debs)]
    if lock.foundation is None:
        changed += strangers(root, wheels)
    yield from told(changed)
    yield from layers(papers, lock)
    yield from current(papers, lock)
    yield info(
        f"{len(wheels)} wheels and {len(debs)} Debian packages, each file as it was installed"
        if not changed
        else f"{len(wheels)} wheels and {len(debs)} Debian packages"
    )


def hashed(lock: Lock) -> Iterator[Finding]:
    """Every locked wheel has the digest of its file, and every Debian package too."""
    built = {one.name for one in lock.built}
    for name, pin in sorted(_pins(lock).items()):
        if not pin.hashes and name not in built:
            yield error(
                "A package is locked without the digest of its file.",
                place=f"{name}=={pin.version}",
                remedy="Delete sealift.lock and package again: it is made anew, with digests.",
            )
    for deb in (*lock.base, *lock.debian):
        if not deb.sha256:
            yield error("A Debian package is locked without its digest.", place=deb.name)


def _pins(lock: Lock) -> dict[str, Pin]:
    return pins((*lock.runtime, *lock.packages))


def named(found: Iterable[Wheel], lock: Lock) -> Iterator[Finding]:
    """The wheels of the image are those of the lock, in the same versions."""
    there = {one.name: one for one in found}
    wanted = _pins(lock)
    for name, one in sorted(there.items()):
        pin = wanted.get(name)
        if pin is None and lock.foundation is None:
            yield error(
                "A package is in the image and not in the lock.",
                place=f"{name} {one.version}, /{one.info}",
                remedy=AGAIN,
            )
        elif pin is not None and pin.version != one.version:
            yield error(
                f"A package has another version than in the lock: {one.version}, "
                f"not {pin.version}.",
                place=f"{name}, /{one.info}",
                remedy=AGAIN,
            )
    for name, pin in sorted(pins(lock.runtime).items()):
        if name not in there:
            yield error(
                "A package of the lock is not in the image.",
                place=f"{name}=={pin.version}",
                remedy=AGAIN,
            )


def distributed(found: Iterable[Deb], lock: Lock) -> Iterator[Finding]:
    """The Debian packages of the image are those of the lock, in the same versions."""
    if lock.foundation is not None:
        return
    there = {one.name: one.version for one in found}
    wanted: Mapping[str, str] = {one.name: one.version for one in (*lock.base, *lock.debian)}
    for name in sorted(there.keys() | wanted.keys()):
        have, want = there.get(name, "absent"), wanted.get(name, "absent")
        if have != want:
            yield error(
                f"A Debian package is not as in the lock: {have} in the image, {want} there.",
                place=name,
                remedy=AGAIN,
            )


def wheel_files(root: Path, wheels: Iterable[Wheel]) -> Iterator[Finding]:
    """Every file of a wheel is as the wheel lists it."""
    for wheel in wheels:
        lines = list(installed.listed(root, wheel))
        if not lines:
            yield error("A wheel does not list its files.", place=f"/{wheel.info}", remedy=AGAIN)
        for path, stated in lines:
            yield from same(root, path, stated, wheel.name)


def same(root: Path, path: str, stated: str, owner: str) -> Iterator[Finding]:
    """A file has the SHA-256 (base64 for URLs, unpadded) that is stated, if any."""
    file = root / path
    if file.is_symlink() or not file.is_file():
        if not path.endswith(_BYTECODE):
            yield error(f"A file of {owner} is gone.", place=f"/{path}", remedy=AGAIN)
        return
    if not stated:
        return
    with file.open("rb") as content:
        raw = hashlib.file_digest(content, "sha256").digest()
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != stated.rstrip("="):
        yield error(
            f"A file of {owner} is not the one that was installed: its digest is another.",
            place=f"/{path}",
            remedy=AGAIN,
        )


def strangers(root: Path, wheels: Iterable[Wheel]) -> Iterator[Finding]:
    """Files among the wheels that none of them lists: python would import them all the same."""
    known: dict[str, set[str]] = {}
    for wheel in wheels:
        own = known.setdefault(wheel.site, set())
        own |= {path for path, _ in installed.listed(root, wheel)}
    for site, own in known.items():
        for folder, _, names in os.walk(root / site):
            inner = Path(folder).relative_to(root).as_posix()
            for path in (f"{inner}/{name}" for name in names):
                if path not in own and not path.endswith(_BYTECODE):
                    yield error(
                        "A file lies among the packages that belongs to none.",
                        place=f"/{path}",
                        remedy=AGAIN,
                    )


def deb_files(root: Path, debs: Iterable[Deb]) -> Iterator[Finding]:
    """Every file that a Debian package lists has its sum. What was left out is not missed."""
    for package in debs:
        for path, stated in installed.sums(root, package):
            file = root / path
            if file.is_symlink() or not file.is_file():
                continue
            with file.open("rb") as content:
                summed = hashlib.file_digest(content, _md5).hexdigest()
            if summed != stated:
                yield error(
                    f"A file of {package.name} is not the one that was installed: its sum is "
                    "another.",
                    place=f"/{path}",
                    remedy=AGAIN,
                )


def _md5() -> hashlib._Hash:
    # what dpkg keeps of files; against changes by intent the digests of layers stand
    return hashlib.md5(usedforsecurity=False)


def layers(papers: Papers, lock: Lock) -> Iterator[Finding]:
    """The layers made of packages are those that the project's lock says they came to."""
    if papers.image is None:
        return
    for result in papers.locks.results:
        same_kind = (result.platform, result.accelerator) == (lock.platform, lock.accelerator)
        own = [one.diff_id for one in papers.image.layers if one.role == result.role]
        if not same_kind or result.role not in _OURS or not own:
            continue
        if papers.locks.of(lock.variant) == lock and own != [one.diff_id for one in result.layers]:
            yield error(
                "The layers are not those that these packages came to before.",
                place=f"role {result.role}, `results` in sealift.lock",
                remedy="`sealift package --verify` makes them again and shows what differs.",
            )


def current(papers: Papers, lock: Lock) -> Iterator[Finding]:
    """The project's own lock is still the one that its image was made from."""
    if papers.image is None:
        return
    now = papers.locks.of(lock.variant)
    if now is None or now.digest != lock.digest:
        yield warning(
            "The project's lock is another by now than the one that the image was made from.",
            place="sealift.lock",
            remedy="Run `sealift package` to have the newer packages in the image.",
        )


CHECK = Check(
    name="packages",
    shows="Its packages are locked with digests, and each file of them is as it was installed.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK"]
