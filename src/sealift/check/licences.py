"""No package in the image has a licence that the project does not take.

Sources: SPDX, annex "SPDX license expressions"; CycloneDX 1.6 (``licenses`` of a component).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from license_expression import ExpressionError, Licensing

from sealift.check.check import Check, error, info, spared, warning
from sealift.check.papers import UNKNOWN
from sealift.check.target import Target
from sealift.record.check_settings import LicenceSettings
from sealift.record.report import Finding
from sealift.types import Json

REMEDY = (
    "Do without the package, or say under [check.licences.allow] in sealift.toml why it may stay."
)
_KINDS = ("library", "application", "framework")
_DEBIAN = "pkg:deb/debian/"
_SPELLINGS = (
    (r"affero|\bagpl", "AGPL-3.0-or-later"),
    (r"server side public|\bsspl", "SSPL-1.0"),
    (r"business source|\bbusl|\bbsl 1\.1", "BUSL-1.1"),
    (r"elastic license", "Elastic-2.0"),
    (r"\bmit\b", "MIT"),
    (r"apache.*2|apache software", "Apache-2.0"),
    (r"\bbsd\b", "BSD-3-Clause"),
    (r"\bisc\b", "ISC"),
    (r"lesser general public|\blgpl", "LGPL-2.1-or-later"),
    (r"general public license|\bgpl", "GPL-2.0-or-later"),
    (r"mozilla public|\bmpl", "MPL-2.0"),
    (r"python software|\bpsf", "PSF-2.0"),
    (r"public domain|public-domain|unlicense", "Unlicense"),
    (r"non-?commercial|\bcc.by.nc", "CC-BY-NC-4.0"),
)
"""Licences as packages call them in prose, and the identifier that comes closest; in order."""

_READ = {"pysimdjson": ["MIT"]}
"""Packages of the model server that state none for machines; people have read theirs."""

_SPDX = Licensing()


def findings(target: Target) -> Iterator[Finding]:
    """Judge every component of the bill of materials, and those inside of it."""
    if target.papers is None:
        yield spared(UNKNOWN)
        return
    components = list(below(target.papers.bill()))
    yield from judged(components, target.papers.settings.licences)


def below(component: Json) -> Iterator[dict[str, Json]]:
    """The packages in a bill of materials, with those inside others."""
    inner = component.get("components") if isinstance(component, dict) else None
    for one in inner if isinstance(inner, list) else ():
        if isinstance(one, dict):
            if one.get("type") in _KINDS:
                yield one
            yield from below(one)


def judged(components: Sequence[dict[str, Json]], settings: LicenceSettings) -> Iterator[Finding]:
    """An error for each package with a denied licence; a warning for all that state none."""
    unknown: list[str] = []
    excused: list[str] = []
    debian = 0
    for one in components:
        name = str(one.get("name", ""))
        stated = list(expressions(one)) or _READ.get(name, [])
        bad = sorted({part for text in stated for part in denied(text, settings.deny)})
        if bad and name in settings.allow:
            excused.append(f"{name} ({settings.allow[name]})")
        elif bad:
            yield error(
                f"A package has a licence that is denied: {', '.join(bad)}.",
                place=f"{name} {one.get('version', '')}".strip(),
                remedy=REMEDY,
            )
        elif not stated and str(one.get("purl", "")).startswith(_DEBIAN):
            debian += 1
        elif not stated and name not in settings.allow:
            unknown.append(name)
    if unknown:
        yield warning(
            f"The licence of {len(unknown)} packages is not known.",
            place=", ".join(sorted(set(unknown)))[:400],
            remedy="Read it, and name the package under [check.licences.allow] in sealift.toml.",
        )
    yield info(f"{len(components)} packages, none of {', '.join(settings.deny) or 'nothing'}")
    if debian:
        yield info(
            f"{debian} packages of Debian state none in a form for machines; Debian holds free "
            "software only"
        )
    if excused:
        yield info(f"allowed: {', '.join(excused)}")


def expressions(component: dict[str, Json]) -> Iterator[str]:
    """What a component states, in expressions of SPDX; names in prose by what comes closest."""
    listed = component.get("licenses")
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, dict):
            continue
        licence = one.get("license")
        known = licence if isinstance(licence, dict) else {}
        if text := one.get("expression") or known.get("id"):
            yield str(text)
        elif found := spelled(str(known.get("name", ""))):
            yield found


def spelled(name: str) -> str:
    """The identifier that comes closest to a name in prose; nothing if none does.

    >>> spelled("GNU Affero General Public License v3"), spelled("MIT License"), spelled("mine")
    ('AGPL-3.0-or-later', 'MIT', '')
    """
    words = name.lower()
    return next((one for form, one in _SPELLINGS if re.search(form, words)), "")


def denied(text: str, patterns: Sequence[str]) -> list[str]:
    """The licences of an expression that are denied, if it leaves no choice without them.

    >>> denied("MIT OR AGPL-3.0-only", ["AGPL-*"]), denied("MIT AND AGPL-3.0-only", ["AGPL-*"])
    ([], ['AGPL-3.0-only'])
    """
    try:
        parsed = _SPDX.parse(text)
    except ExpressionError:
        words = re.findall(r"[A-Za-z0-9.+-]+", text)
        return [word for word in words if _matches(word, patterns)]
    return [] if parsed is None else _denied(parsed, patterns)


def _denied(part: Any, patterns: Sequence[str]) -> list[str]:
    if isinstance(part, _SPDX.OR):
        choices = [_denied(one, patterns) for one in part.args]
        return [one for inner in choices for one in inner] if all(choices) else []
    if isinstance(part, _SPDX.AND):
        return [one for inner in part.args for one in _denied(inner, patterns)]
    name = str(part)
    return [name] if _matches(name, patterns) else []


def _matches(name: str, patterns: Sequence[str]) -> bool:
    plain = name.partition(" ")[0].lower()
    return any(fnmatchcase(plain, pattern.lower()) for pattern in patterns)


CHECK = Check(
    name="licences",
    shows="No package in it has a licence that the project denies.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK", "judged"]
