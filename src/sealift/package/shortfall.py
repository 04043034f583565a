"""What a person is told of an image whose libraries do not all load, and what he can do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sealift.errors import PackageError
from sealift.package import sonames
from sealift.package.closure import Finding

MOST = 20
"""Findings that are told one by one."""

_WITHOUT_SCREEN = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
}
"""Wheels that have a twin which needs no screen."""


def refusal(
    image: str, findings: Sequence[Finding], debian: Iterable[str], *, founded: bool = False
) -> PackageError:
    """The error for an image ("image of the steps"); ``debian`` is what the project file lists.

    ``founded`` says whether it stands on a base of others, which Debian packages cannot be put on.

    >>> lacks = Finding("library", "cv 1.0", "cv/cv.so", "libGL.so.1")
    >>> print(refusal("image", [lacks], []).what)
    Not everything in the image can be loaded:
      cv 1.0: cv/cv.so needs libGL.so.1, which Debian's libgl1 brings
    """
    lines = [_line(finding) for finding in findings[:MOST]]
    if len(findings) > MOST:
        lines.append(f"and {len(findings) - MOST} more")
    listed = "\n".join(f"  {line}" for line in lines)
    return PackageError(
        f"Not everything in the {image} can be loaded:\n{listed}",
        where="sealift.toml: image",
        remedy=" ".join(_remedies(findings, list(debian), founded=founded)),
    )


def _line(finding: Finding) -> str:
    owner = f"{finding.owner}: " if finding.owner else ""
    more = f" and {finding.more} more" if finding.more else ""
    verb = "need" if finding.more else "needs"
    return f"{owner}{finding.file}{more} {_trouble(finding, verb)}"


def _trouble(finding: Finding, verb: str) -> str:
    lacks, by = finding.lacks, finding.by
    if finding.kind == "library":
        return f"{verb} {lacks}{_source(lacks)}"
    if finding.kind == "version":
        return f"{verb} {lacks}, which the image's {by} does not have"
    if finding.kind == "floor":
        return f"asks for glibc {lacks}; the image has {by}"
    if finding.kind == "loader":
        return f"{verb} the loader {lacks}, which is not there"
    if finding.kind == "machine":
        return f"is for another machine: {lacks}"
    return f"is damaged: {lacks}"


def _source(library: str) -> str:
    if package := sonames.package_of(library):
        return f", which Debian's {package} brings"
    likely = sonames.likely_name(library)
    return f"; its package is not known (by Debian's rule it is {likely})" if likely else ""


def _remedies(findings: Sequence[Finding], debian: list[str], *, founded: bool) -> Iterable[str]:
    missing = [one.lacks for one in findings if one.kind == "library"]
    packages = sorted({sonames.package_of(name) or "" for name in missing} - {"", *debian})
    owners = {one.owner.partition(" ")[0] for one in findings}
    if founded and missing:
        yield "Put what is missing into the base, or name one that has it."
    elif packages:
        yield f"Write into [image] of sealift.toml: debian = {json.dumps([*debian, *packages])}."
    for owner in sorted(owners & _WITHOUT_SCREEN.keys()):
        yield f"Or take {_WITHOUT_SCREEN[owner]}, which needs no screen."
    if any(sonames.package_of(name) is None for name in missing):
        yield "Find the package of an unknown library with `apt-file search NAME`."
    if any(one.kind in ("version", "floor") for one in findings):
        newer = "base" if founded else "image.suite"
        yield f"Take an older version of what needs a newer library, or a newer {newer}."
    if any(one.kind in ("machine", "damaged") for one in findings):
        yield "Take another version of what does not fit this machine."
    yield "What is never loaded may be listed by file name in image.absent."


__all__ = ["MOST", "refusal"]
