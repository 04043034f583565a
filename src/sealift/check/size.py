"""The image is no larger than it may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sealift.check.check import Check, error, info, spared, warning
from sealift.check.papers import UNKNOWN
from sealift.check.shipped import Shipped
from sealift.check.target import Target
from sealift.record.report import Finding

_PACKAGES = ("dist-packages", "site-packages")
_DEEP = 3
"""Folders from the root that tell what a file belongs to, where no package does."""

SHOWN = 4
"""Layers, and parts of a layer, that are told."""


def findings(target: Target) -> Iterator[Finding]:
    """Add up the files of all layers."""
    if target.papers is None:
        yield spared(UNKNOWN)
        return
    settings = target.papers.settings
    model = target.papers.model
    found = judged(target.shipped, settings.size_bytes, settings.size)
    if model is None or model.origin is None:
        yield from found
        return
    # what others built is as large as they made it: the user is told, and not stopped
    for one in found:
        yield warning(one.message, place=one.place) if one.severity == "error" else one


def judged(layers: Sequence[Shipped], limit: int, written: str) -> Iterator[Finding]:
    """What the sizes of layers come to, against a limit in bytes."""
    total = sum(layer.size for layer in layers)
    if total > limit:
        yield error(
            f"The image comes to {told(total)} unpacked, more than {written}.",
            place="; ".join(largest(layers)),
            remedy="Take out what serving does not need (`sealift explain FILE` says what needs a "
            "file), or raise size under [check] in sealift.toml.",
        )
    by_role = Counter[str]()
    for layer in layers:
        by_role[layer.role] += layer.size
    parts = ", ".join(f"{role} {told(size)}" for role, size in by_role.most_common(SHOWN))
    yield info(f"{told(total)} unpacked, of {written}: {parts}")


def largest(layers: Sequence[Shipped]) -> Iterator[str]:
    """The largest layers, each with what is largest in it."""
    for layer in sorted(layers, key=lambda one: -one.size)[:SHOWN]:
        parts = Counter[str]()
        for path, size in layer.files.items():
            parts[part(path)] += size
        inner = ", ".join(f"{name} {told(size)}" for name, size in parts.most_common(SHOWN))
        yield f"{layer.role} {told(layer.size)} ({inner})"


def part(path: str) -> str:
    """What a file is counted with: its package, or the folder it is in, at most three deep.

    >>> part("/usr/local/lib/python3.13/dist-packages/numpy/core/a.so"), part("/usr/lib/x/y/z")
    ('numpy', '/usr/lib/x')
    """
    words = path.split("/")
    for folder in _PACKAGES:
        if folder in words[:-1]:
            return words[words.index(folder) + 1]
    return "/".join(words[: _DEEP + 1])


def told(size: int) -> str:
    """Bytes for people.

    >>> told(194_812_345), told(1_200_000_000), told(512)
    ('194.8 MB', '1.20 GB', '0.0 MB')
    """
    return f"{size / 1e9:.2f} GB" if size >= 10**9 else f"{size / 1e6:.1f} MB"


CHECK = Check(
    name="size",
    shows="The files of all its layers are no more than the project allows.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK", "judged", "told"]
