"""Which Debian packages an image needs: seeds, and all they depend on to run."""

from __future__ import annotations

from collections.abc import Iterable

from sealift.errors import PackageError
from sealift.package import sonames
from sealift.package.control import Relation
from sealift.package.release import Catalogue, Offer
from sealift.record.lock import Deb

LEFT_OUT = {
    "awk": "base-files wants one for its maintainer script",
    "debconf": "asks questions while a package is installed; nothing is installed in an image",
    "debianutils": "registers shells while one is installed",
    "dpkg": "installs packages",
    "openssl": "the command; ca-certificates wants it for its maintainer script",
    "openssl-provider-legacy": "algorithms that are broken and that nothing switches on",
    "readline-common": "documentation and an example of a configuration",
}
"""Packages that others depend on and that a running image does not need, with the reasons."""

BASE = (
    *("base-files", "ca-certificates", "netbase", "tzdata"),
    *("libc6", "libgcc-s1", "libstdc++6", "libgomp1", "zlib1g"),
)
"""What every image has besides Python; libgomp1 because many numeric wheels expect it."""

SHELL = ("coreutils", "dash", "findutils", "grep", "sed")
"""What the image of the steps has besides: their commands are shell lines."""

_IMAGE = "the image"


def python(version: str) -> tuple[str, ...]:
    """The packages of an interpreter without its development files and installer."""
    return (f"python{version}-minimal", f"python{version}", f"libpython{version}-stdlib")


def libraries(names: Iterable[str], offers: Catalogue) -> tuple[str, ...]:
    """The packages of a release that bring shared libraries, as far as they are known.

    Older releases have some of them under names without ``t64``.
    """
    found = set()
    for name in names:
        known = sonames.package_of(name) or ""
        likely = (known, known.removesuffix("t64"), sonames.likely_name(name))
        found |= {next((one for one in likely if one and offers.newest(one)), "")}
    return tuple(sorted(found - {""}))


def closure(
    seeds: Iterable[str], offers: Catalogue, without: Iterable[Deb] = ()
) -> tuple[Deb, ...]:
    """The newest version of the seeds and of all they need, sorted by name.

    ``without`` are packages that a layer below has already. What is left out comes only as a seed.
    Raises ``PackageError`` naming what
    cannot be had and who needs it.
    """
    there = {deb.name: deb.version for deb in without}
    chosen: dict[str, Offer] = {}
    waiting = [([Relation(seed)], _IMAGE) for seed in seeds]
    while waiting:
        choices, asker = waiting.pop(0)
        left_out = asker != _IMAGE and any(choice.name in LEFT_OUT for choice in choices)
        if left_out or _met(choices, chosen, there):
            continue
        offer = _choice(choices, offers, asker)
        chosen[offer.deb.name] = offer
        waiting += [(group, offer.deb.name) for group in offer.needs]
    return tuple(chosen[name].deb for name in sorted(chosen))


def _met(choices: list[Relation], chosen: dict[str, Offer], there: dict[str, str]) -> bool:
    for choice in choices:
        if choice.name in there and choice.accepts(there[choice.name]):
            return True
        if choice.name in chosen and choice.accepts(chosen[choice.name].deb.version):
            return True
        if any(given.name == choice.name for offer in chosen.values() for given in offer.provides):
            return True
    return False


def _choice(choices: list[Relation], offers: Catalogue, asker: str) -> Offer:
    for choice in choices:
        offer = offers.newest(choice.name)
        if offer and choice.accepts(offer.deb.version):
            return offer
    for choice in choices:
        for name in offers.providers(choice.name):
            if offer := offers.newest(name):
                return offer
    wanted = " or ".join(
        f"{choice.name} {choice.operator} {choice.version}".strip() for choice in choices
    )
    raise PackageError(
        f"The archive has no package {wanted}, which {asker} needs.",
        remedy="Choose another suite in the [image] table, or another mirror.",
    )


__all__ = ["BASE", "LEFT_OUT", "SHELL", "closure", "libraries", "python"]
