"""The packages that an archive offers, as far as a trusted key has signed for them.

The chain: a trusted key signs ``InRelease``, which holds the digests of the package lists, which
hold the digests of the packages. Format: Debian wiki, DebianRepository/Format.
"""

from __future__ import annotations

import lzma
import re
from collections import defaultdict
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Literal

import pysequoia

from sealift import clock
from sealift.errors import SourceError
from sealift.package import control
from sealift.package.control import Relation
from sealift.package.fetch import Fetcher, MissingError
from sealift.package.sources import Mirror
from sealift.record.lock import Deb

Archive = Literal["main", "security"]


@dataclass(frozen=True)
class Offer:
    """A package that can be had, and what it needs."""

    deb: Deb
    needs: list[list[Relation]]
    provides: list[Relation]


@dataclass(frozen=True)
class Catalogue:
    """All offers of a suite for one architecture, the newest version of each name."""

    arch: str
    _texts: dict[str, list[tuple[Archive, str]]] = field(default_factory=lambda: defaultdict(list))
    _providers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, archive: Archive, listing: str) -> None:
        """Take in a ``Packages`` file."""
        for text in listing.split("\n\n"):
            if found := re.match(r"\s*Package: (\S+)", text):
                self._texts[found[1]].append((archive, text))
                if provides := re.search(r"^Provides: (.+)$", text, re.MULTILINE):
                    for choice in control.relations(provides[1]):
                        self._providers[choice[0].name].append(found[1])

    def names(self, pattern: str) -> list[str]:
        """The names that match a regular expression as a whole, sorted."""
        return sorted(name for name in self._texts if re.fullmatch(pattern, name))

    def newest(self, name: str) -> Offer | None:
        """The newest version of a package, None when there is none."""
        offers = [_offer(archive, text) for archive, text in self._texts.get(name, [])]
        return max(offers, key=lambda offer: control.order(offer.deb.version), default=None)

    def providers(self, name: str) -> list[str]:
        """The packages that provide a name that need not be a package, sorted."""
        return sorted(set(self._providers.get(name, [])))


def _offer(archive: Archive, text: str) -> Offer:
    stanza = next(control.stanzas(text))
    needs = ", ".join(filter(None, (stanza.get("Pre-Depends"), stanza.get("Depends"))))
    deb = Deb(
        name=stanza["Package"],
        version=stanza["Version"],
        arch=stanza["Architecture"],
        archive=archive,
        path=stanza["Filename"],
        sha256=stanza["SHA256"],
        size=int(stanza["Size"]),
    )
    provides = control.relations(stanza.get("Provides", ""))
    return Offer(deb, control.relations(needs), [choice[0] for choice in provides])


def catalogue(mirror: Mirror, suite: str, arch: str, fetcher: Fetcher) -> Catalogue:
    """What a suite offers, with its updates, and its security updates where a source is known.

    Raises ``SourceError`` when the archive cannot be reached or its signature is not trusted.
    """
    whole = Catalogue(arch)
    whole.add("main", _listing(mirror.main, suite, mirror, (arch, fetcher)))
    further: list[tuple[Archive, str, str]] = [("main", mirror.main, f"{suite}-updates")]
    if mirror.security:
        further.append(("security", mirror.security, f"{suite}-security"))
    for archive, root, name in further:
        try:
            whole.add(archive, _listing(root, name, mirror, (arch, fetcher)))
        except MissingError:
            continue
    return whole


def _listing(root: str, suite: str, mirror: Mirror, how: tuple[str, Fetcher]) -> str:
    """The list of packages of one suite in component main."""
    arch, fetcher = how
    base = f"{root}/dists/{suite}"
    release = verified(fetcher.text(f"{base}/InRelease"), mirror.keyring, f"{base}/InRelease")
    _expect(release, suite, base)
    name = f"main/binary-{arch}/Packages.xz"
    sums = {
        words[2]: words[0]
        for line in release.get("SHA256", "").splitlines()
        if len(words := line.split()) == 3
    }
    if name not in sums:
        raise SourceError(f"The release lists no packages for {arch}.", where=base)
    by_hash = f"{base}/main/binary-{arch}/by-hash/SHA256/{sums[name]}"
    url = by_hash if release.get("Acquire-By-Hash") == "yes" else f"{base}/{name}"
    try:
        path = fetcher.file(url, sums[name])
    except MissingError:
        path = fetcher.file(f"{base}/{name}", sums[name])
    return lzma.decompress(path.read_bytes()).decode()


def verified(document: bytes, keyring: bytes, where: str) -> dict[str, str]:
    """The fields of a clear-signed release file.

    Raises ``SourceError`` unless a key of ``keyring`` has signed exactly these bytes; text outside
    of the signed part is not returned.
    """
    remedy = "Do not use this mirror; if it is your own, name its keys with SEALIFT_KEYRING."
    try:
        keys = pysequoia.Cert.split_bytes(keyring)
        found = pysequoia.verify(bytes=document, store=lambda _: keys)
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise SourceError(
            f"The release is not trusted: {reason}.", where=where, remedy=remedy
        ) from (error)
    content = found.bytes
    if not found.valid_sigs or content is None:
        raise SourceError("The release is not signed by a trusted key.", where=where, remedy=remedy)
    return next(control.stanzas(bytes(content).decode()), {})


def _expect(release: dict[str, str], suite: str, where: str) -> None:
    """Refuse a signed release of another suite, and one that is past its end."""
    if suite not in (release.get("Codename"), release.get("Suite")):
        raise SourceError(
            f"The release is of suite {release.get('Codename')!r}, not {suite!r}.", where=where
        )
    until = release.get("Valid-Until")
    if until and parsedate_to_datetime(until).timestamp() < clock.now():
        raise SourceError(
            f"The release was valid until {until}: the mirror is stale, or the clock is wrong.",
            where=where,
            remedy="Use a mirror that is up to date.",
        )


__all__ = ["Catalogue", "Offer", "catalogue", "verified"]
