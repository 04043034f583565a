"""No package in the image has a known vulnerability, where it is told which are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from sealift import clock
from sealift.check import advisory, installed
from sealift.check.advisory import Advisory, Affected
from sealift.check.check import Check, error, info, spared, warning
from sealift.check.licences import below
from sealift.check.papers import UNKNOWN
from sealift.check.target import Target
from sealift.record.check_settings import IgnoreSettings
from sealift.record.pin import normal
from sealift.record.report import Finding
from sealift.types import Json

STALE = 30
"""Days after which what is known is old: a warning."""

_DAY = 86_400.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A package in the words of OSV; ``shown`` is what the image calls it."""

    ecosystem: str
    name: str
    version: str
    shown: str
    suite: str = ""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability of a package, and the version in which it is mended, if any."""

    advisory: Advisory
    part: Part
    fixed: str


def findings(target: Target) -> Iterator[Finding]:
    """Compare every package with the database that the project names."""
    papers = target.papers
    if papers is None:
        yield spared(UNKNOWN)
        return
    if not papers.settings.vulnerabilities:
        yield spared(
            "no vulnerability database is given; name one as check.vulnerabilities in sealift.toml."
        )
        return
    parts = [*inside(Path(target.subject.root)), *embedded(papers.bill())]
    known = list(advisory.read(papers.folder / papers.settings.vulnerabilities))
    hits = list(compared(known, parts))
    yield from judged(hits, papers.settings.ignore, clock.stamp(clock.now())[:10])
    yield from age(known, clock.now())
    yield info(f"{len(parts)} packages against {len(known)} entries")


def inside(root: Path) -> Iterator[Part]:
    """The packages that are installed below a root, by their source packages where Debian's."""
    for wheel in installed.wheels(root):
        shown = f"{wheel.name} {wheel.version}"
        yield Part(ecosystem="PyPI", name=wheel.name, version=wheel.version, shown=shown)
    distribution, number = installed.release(root)
    if distribution != "debian":
        return
    for deb in installed.debs(root):
        yield Part(
            ecosystem="Debian",
            name=deb.source,
            version=deb.source_version,
            shown=f"{deb.name} {deb.version}",
            suite=number,
        )


def embedded(bill: Json) -> Iterator[Part]:
    """The Python packages that the bill of materials names inside others."""
    for one in below(bill):
        inner = one.get("components")
        for part in below({"components": inner}) if isinstance(inner, list) else ():
            if str(part.get("purl", "")).startswith("pkg:pypi/"):
                name, version = normal(str(part.get("name", ""))), str(part.get("version", ""))
                shown = f"{name} {version} in {one.get('name')}"
                yield Part(ecosystem="PyPI", name=name, version=version, shown=shown)


def compared(known: Sequence[Advisory], parts: Sequence[Part]) -> Iterator[Hit]:
    """What is known of these packages in these versions."""
    by_name: dict[tuple[str, str], list[Part]] = {}
    for part in parts:
        by_name.setdefault((part.ecosystem, part.name), []).append(part)
    for one in known:
        if one.withdrawn:
            continue
        for affected in one.affected:
            ecosystem, _, suite = affected.package.ecosystem.partition(":")
            name = affected.package.name
            key = (ecosystem, normal(name) if ecosystem == "PyPI" else name)
            for part in by_name.get(key, ()):
                if suite in ("", part.suite) and (hit := struck(one, affected, part)):
                    yield hit


def struck(one: Advisory, affected: Affected, part: Part) -> Hit | None:
    """The hit of a package, if its version is affected; a version no one can order is not."""
    order = advisory.ORDERS[part.ecosystem]
    try:
        if affected.unimportant or not advisory.affects(affected, part.version, order):
            return None
        fixed = advisory.fixed_in(affected, part.version, order)
    except ValueError:
        return None
    return Hit(advisory=one, part=part, fixed=fixed)


def judged(
    hits: Sequence[Hit], ignored: Mapping[str, IgnoreSettings], today: str
) -> Iterator[Finding]:
    """An error for what a newer version mends, a warning for the rest; but for what is ignored.

    ``today`` is a day as ISO 8601 writes it. The same under several names is told once.
    """
    told: set[tuple[str, str]] = set()
    excused: list[str] = []
    unmended: dict[str, list[str]] = {}
    for hit in sorted(hits, key=lambda one: not one.fixed):
        names = set(hit.advisory.names)
        if any((name, hit.part.shown) in told for name in names):
            continue
        told |= {(name, hit.part.shown) for name in names}
        name = next((name for name in hit.advisory.names if name in ignored), "")
        if name and ignored[name].until >= today:
            excused.append(f"{name} until {ignored[name].until} ({ignored[name].reason})")
            continue
        ended = f"; it was ignored until {ignored[name].until}" if name else ""
        if hit.fixed:
            yield said(hit, ended)
        else:
            unmended.setdefault(hit.part.shown, []).append(called(hit.advisory) + ended)
    for shown, left in unmended.items():
        yield warning(
            f"A package has {len(left)} known vulnerabilities that no version of it mends: "
            f"{', '.join(left)}.",
            place=shown,
            remedy="Look whether they do harm here.",
        )
    if excused:
        yield info(f"ignored: {', '.join(dict.fromkeys(excused))}")


def called(one: Advisory) -> str:
    """A vulnerability by its own name, and by the one that most know it by."""
    others = [name for name in one.names[1:] if name.startswith("CVE-") and name not in one.id]
    return f"{one.id} ({', '.join(others)})" if others else one.id


def said(hit: Hit, ended: str) -> Finding:
    """The finding for a hit that a newer version mends."""
    summary = f": {hit.advisory.summary.rstrip('.')}" if hit.advisory.summary else ""
    place = f"{hit.part.shown}, mended in {hit.fixed}"
    newer = (
        "Lock newer packages (delete sealift.lock), and package again"
        if hit.part.ecosystem == "Debian"
        else f"Ask for {hit.part.name}>={hit.fixed} in the requirements, and package again"
    )
    return error(
        f"A package has the known vulnerability {called(hit.advisory)}{summary}{ended}.",
        place=place,
        remedy=f"{newer}; or say under [check.ignore.{hit.advisory.id}] in sealift.toml why it "
        "does no harm, and until when.",
    )


def age(known: Sequence[Advisory], now: float) -> Iterator[Finding]:
    """A database that knows nothing of the last weeks is worth a warning."""
    if not known:
        yield warning("The vulnerability database has no entry.", remedy="Fetch it again.")
        return
    newest = max(one.modified for one in known)
    if newest and newest < clock.stamp(now - STALE * _DAY):
        yield warning(
            f"The vulnerability database is of {newest[:10]}, more than {STALE} days ago.",
            remedy="Fetch it again.",
        )


CHECK = Check(
    name="vulnerabilities",
    shows="No package in it has a vulnerability that the given database knows.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK", "compared", "judged"]
