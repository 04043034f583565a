"""The parts that a wheel brings along inside itself, as components of CycloneDX.

A wheel may hold bills of materials of its own (PEP 770), by whatever tool and in whatever version
of the format, and shared libraries that were put into it when it was built.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from packageurl import PackageURL

from sealift.package.contents import Wheel
from sealift.package.licences import is_expression, of_names
from sealift.record.pin import normal
from sealift.record.reading import decode
from sealift.types import Json

UNREADABLE = "sealift:sbom:unreadable"
_TYPES = {"application", "framework", "library", "firmware", "file", "data"}
_HASHES = {"SHA-1": 40, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128}
_DEEPEST = 32


class _Document(msgspec.Struct):
    """The part of a bill of materials that is read."""

    bomFormat: Literal["CycloneDX"]  # noqa: N815, the format's own name
    components: list[dict[str, Any]] = []


def parts(wheel: Wheel, parent: str) -> list[Json]:
    """The components inside a wheel, each once, sorted; ``parent`` is the wheel's reference."""
    found: dict[str, Json] = {}
    for text in wheel.sboms.values():
        for one in _flat(_components(text) or [], _DEEPEST):
            if (made := _component(one, wheel, parent)) is not None:
                found.setdefault(made[0], made[1])
    for name, sha256 in wheel.libraries.items():
        reference = f"{parent}#{name}"
        found[reference] = {
            "type": "file",
            "bom-ref": reference,
            "name": name,
            "hashes": [{"alg": "SHA-256", "content": sha256}],
        }
    return [found[reference] for reference in sorted(found)]


def unreadable(wheel: Wheel) -> list[Json]:
    """A property for each bill of materials in a wheel that could not be read."""
    return [
        {"name": UNREADABLE, "value": name}
        for name, text in sorted(wheel.sboms.items())
        if _components(text) is None
    ]


def _components(text: str) -> list[dict[str, Any]] | None:
    """The components of a bill of materials; None when it is none."""
    try:
        return decode(text.encode(), _Document).components
    except ValueError:
        return None


def _flat(components: list[Any], depth: int) -> Iterator[dict[str, Any]]:
    """Components and those inside them."""
    for one in components:
        if isinstance(one, dict):
            yield one
            inner = one.get("components")
            if isinstance(inner, list) and depth:
                yield from _flat(inner, depth - 1)


def _component(one: dict[str, Any], wheel: Wheel, parent: str) -> tuple[str, Json] | None:
    """A component with its reference; None for one that is the wheel itself, or has no name."""
    name, version = _text(one, "name"), _text(one, "version")
    purl = _purl(_text(one, "purl"))
    itself = purl and purl.type == "pypi" and normal(purl.name) == wheel.name
    if not name or itself:
        return None
    reference = f"{parent}#{purl.to_string() if purl else f'{name}@{version}'}"
    kind = one.get("type")
    made: dict[str, Json] = {
        "type": kind if isinstance(kind, str) and kind in _TYPES else "library",
        "bom-ref": reference,
        "name": name,
    }
    if version:
        made["version"] = version
    if purl:
        made["purl"] = purl.to_string()
    if licences := _licences(one.get("licenses")):
        made["licenses"] = licences
    if hashes := list(_hashes(one.get("hashes"))):
        made["hashes"] = hashes
    return reference, made


def _text(one: dict[str, Any], key: str) -> str:
    value = one.get(key)
    return value if isinstance(value, str) else ""


def _purl(text: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


def _licences(stated: object) -> list[Json]:
    """Licences as stated; an expression stands alone, as the format demands."""
    names = set()
    for one in stated if isinstance(stated, list) else []:
        if not isinstance(one, dict):
            continue
        expression = _text(one, "expression")
        if expression and is_expression(expression):
            return [{"expression": expression}]
        names.add(expression)
        inner = one.get("license")
        if isinstance(inner, dict):
            names.add(_text(inner, "id") or _text(inner, "name"))
    return of_names(names - {""})


def _hashes(stated: object) -> Iterator[Json]:
    for one in stated if isinstance(stated, list) else []:
        if isinstance(one, dict):
            algorithm, content = _text(one, "alg"), _text(one, "content").lower()
            if len(content) == _HASHES.get(algorithm) and not set(content) - set(
                "0123456789abcdef"
            ):
                yield {"alg": algorithm, "content": content}


__all__ = ["UNREADABLE", "parts", "unreadable"]
