"""The bill of materials of a serving image: CycloneDX 1.6, JSON (ECMA-424).

It is made from what the layers themselves say, so that it names what is in the image, and from the
lock, which has the digests of the files that were put there. The same image and
lock give the same bytes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from email import message_from_string
from email.message import Message
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from packageurl import PackageURL

import sealift
from sealift import clock, digest
from sealift.package import card, control, embedded, licences, making, rpms
from sealift.package.contents import Contents, Wheel
from sealift.package.control import relations, stanzas
from sealift.package.making import Distribution, Making
from sealift.package.notes import Notes
from sealift.record.image import Image, Layer
from sealift.record.lock import Built, Deb, Lock
from sealift.record.pin import Pin, normal
from sealift.types import Digest, Json

LAYER = "sealift:layer"
_REQUIRED = re.compile(r"([A-Za-z0-9._-]+)")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:sealift:bom:v1")

_MIT: Json = [{"license": {"id": "MIT"}}]

Component = dict[str, Json]
Held = tuple[Layer | None, Contents]
"""What is held by a layer, or by an image as a whole."""


def serial_number(image: Digest) -> str:
    """The serial number of the bill of an image: an UUID of version 5 of its digest."""
    return uuid.uuid5(_NAMESPACE, image).urn


class Packages(msgspec.Struct, frozen=True):
    """A note on the packages in layers, as components."""

    system: list[dict[str, Any]]
    wheels: list[dict[str, Any]]


def document(made: Making, contents: Sequence[Held], notes: Notes | None = None) -> dict[str, Json]:
    """The bill of materials of an image with these layers.

    With ``notes`` the packages of layers that were told of before are not worked out again.
    """
    subject = container(made.run.project, made.image)
    packages = _noted(made, contents, notes) if notes else _packages(made, contents)
    found = [
        system(contents, made.lock.suite),
        *packages.system,
        *interpreter(made.lock, made.image),
        *packages.wheels,
        *_server(contents),
        card.model(made),
        *card.datasets(made.run),
    ]
    return assembled(made.image.digest, subject, found, contents)


def _packages(made: Making, contents: Sequence[Held]) -> Packages:
    roles = {layer.role for layer in made.image.layers}
    system = debian(contents, _distribution(made, contents), making.debs(made.lock, roles))
    return Packages(
        [*system, *red(contents)],
        wheels(contents, making.pins(made.lock, roles), making.built(made.lock, roles)),
    )


def _noted(made: Making, contents: Sequence[Held], notes: Notes) -> Packages:
    """The same, from the note on these layers and this lock, if there is one."""
    filled = [layer for layer, held in contents if held.debs or held.rpms or held.wheels]
    if None in filled:
        return _packages(made, contents)
    layers: list[Json] = [str(layer.descriptor.digest) for layer in filled if layer]
    roles: list[Json] = [*sorted({layer.role for layer in made.image.layers})]
    key = digest.of_json([_recipe(), str(made.lock.digest), roles, str(release(contents)), layers])
    if found := notes.get(key, Packages):
        return found
    found = _packages(made, contents)
    notes.put(key, found)
    return found


def _recipe() -> Json:
    """The digests of the code that tells of packages, and of the words it does that with."""
    files = [Path(module.__file__ or "") for module in (control, embedded, licences, making, rpms)]
    words = find_spec("cyclonedx")
    files += [Path(__file__), *([Path(words.origin)] if words and words.origin else [])]
    return [str(digest.of_file(file)) for file in files]


def _distribution(made: Making, contents: Sequence[Held]) -> Distribution:
    """Whose packages the image has: Debian's of the lock, or those of the base of others."""
    if made.lock.foundation is None:
        return Distribution(codename=made.lock.suite)
    return named(release(contents))


def named(values: Mapping[str, str]) -> Distribution:
    """A distribution as os-release(5) names it; Debian without any."""
    return Distribution(
        values.get("ID", "debian"), values.get("VERSION_CODENAME") or values.get("VERSION_ID", "")
    )


def interpreter(lock: Lock, image: Image) -> list[Component]:
    """The Python that is no package of its distribution, with the libraries linked into it."""
    founded, own = lock.foundation, lock.standalone
    licence: Json = [{"license": {"id": "PSF-2.0"}}]
    if own:
        purl = making.interpreter_purl(own)
        layer = next(one for one in image.layers if one.role == "interpreter")
        whole = {**component("python", own.version, purl, layer), "licenses": licence}
        whole["hashes"] = [{"alg": "SHA-256", "content": own.sha256}]
        return [{**whole, "components": _linked(own.parts, purl)} if own.parts else whole]
    if founded is None or founded.packages.endswith("/dist-packages"):
        return []
    purl = PackageURL("generic", None, "python", founded.version).to_string()
    return [{**component("python", founded.version, purl, None), "licenses": licence}]


def _linked(parts: Mapping[str, str], parent: str, **told: Json) -> Json:
    """The libraries that a component has in it; scanners look for faults by these names."""
    found: list[Json] = []
    for name, version in sorted(parts.items()):
        purl = PackageURL("generic", None, name, version).to_string()
        one = component(name, version, purl, None)
        found.append({**one, "bom-ref": f"{parent}#{name}", "properties": [], **told})
    return found


def assembled(
    image: Digest, subject: Component, found: Sequence[Component], contents: Sequence[Held]
) -> dict[str, Json]:
    """The bill of an image from its components; ``subject`` is the image itself."""
    components = {str(one["bom-ref"]): one for one in found}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(image),
        "version": 1,
        "metadata": {
            "timestamp": clock.stamp(clock.EPOCH),
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [_tool()]},
            "component": subject,
        },
        "components": [components[reference] for reference in sorted(components)],
        "dependencies": _dependencies(str(subject["bom-ref"]), components, contents),
    }


def count(bill: dict[str, Json]) -> int:
    """The number of components, with those inside others."""

    def below(one: Json) -> int:
        inner = one.get("components", []) if isinstance(one, dict) else []
        return sum(1 + below(part) for part in inner) if isinstance(inner, list) else 0

    return below(bill)


def container(name: str, image: Image) -> Component:
    """The image itself as a component."""
    arch = image.platform.rpartition("/")[2]
    purl = PackageURL("oci", None, name, image.digest, {"arch": arch}).to_string()
    return {
        "type": "container",
        "bom-ref": purl,
        "name": name,
        "version": str(image.model),
        "purl": purl,
        "hashes": [_sha256(image.digest)],
        "properties": [{"name": "sealift:platform", "value": image.platform}],
    }


def _tool() -> Component:
    return {"type": "application", "name": "sealift", "version": sealift.__version__}


def system(contents: Sequence[Held], suite: str = "") -> Component:
    """The distribution, without which scanners do not know where to look for faults."""
    values = release(contents)
    name, version = values.get("ID", "debian"), values.get("VERSION_ID", suite)
    return {
        "type": "operating-system",
        "bom-ref": f"os:{name}@{version}",
        "name": name,
        "version": version,
    }


def release(contents: Sequence[Held]) -> dict[str, str]:
    """The variables of os-release(5) in an image."""
    text = "".join(held.release for _, held in contents)
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def debian(
    contents: Sequence[Held], distribution: Distribution, locked: Sequence[Deb] = ()
) -> list[Component]:
    """The packages of dpkg, with the digests of those that are locked."""
    pinned = {deb.name: deb for deb in locked}
    by_source: dict[str, list[Json]] = {}
    found: list[tuple[str, Component]] = []
    for layer, held in contents:
        for name, text in sorted(held.debs.items()):
            stanza = next(stanzas(text), {})
            version, arch = stanza.get("Version", ""), stanza.get("Architecture", "all")
            source = stanza.get("Source", name).partition(" ")[0]
            if stated := licences.of_debian(held.copyrights.get(name, "")):
                by_source.setdefault(source, stated)
            purl = making.deb_purl(name, version, arch, distribution)
            one = component(name, version, purl, layer)
            deb = pinned.get(name)
            if deb and deb.version == version:
                one["hashes"] = [{"alg": "SHA-256", "content": deb.sha256}]
            found.append((source, one))
    # packages of one source share its copyright file by a link, which is not kept
    return [
        {**one, **({"licenses": by_source[source]} if source in by_source else {})}
        for source, one in found
    ]


def red(contents: Sequence[Held]) -> list[Component]:
    """The packages of rpm."""
    values, found = release(contents), []
    for layer, held in contents:
        for package in held.rpms:
            one = component(package.name, package.whole, rpms.purl(package, values), layer)
            if package.licence:
                one["licenses"] = licences.of_text(package.licence)
            found.append(one)
    return found


def wheels(
    contents: Sequence[Held], pinned: Mapping[str, Pin], sources: Iterable[Built] = ()
) -> list[Component]:
    """The packages of Python, with the digests of those that are pinned.

    ``sources`` are those that were built from source distributions.
    """
    built = {one.name: one for one in sources}
    found = []
    for layer, held in contents:
        for wheel in held.wheels:
            purl = PackageURL("pypi", None, wheel.name, wheel.version).to_string()
            one = component(wheel.name, wheel.version, purl, layer)
            if stated := licences.of_wheel(_metadata(wheel)):
                one["licenses"] = stated
            pin = pinned.get(wheel.name)
            # a lock with several files for a version does not say which of them was taken
            if pin and pin.version == wheel.version and len(pin.hashes) == 1:
                one["hashes"] = [{"alg": "SHA-256", "content": pin.hashes[0]}]
            if source := built.get(wheel.name):
                one["pedigree"] = {"ancestors": [_source(source)]}
            if inner := embedded.parts(wheel, purl):
                one["components"] = inner
            one["properties"] = [*_place(layer), *embedded.unreadable(wheel)]
            found.append(one)
    return found


def _source(built: Built) -> Json:
    """The source distribution that a wheel was built from."""
    return {
        "type": "library",
        "name": built.name,
        "version": built.version,
        "purl": making.sdist_purl(built),
        "hashes": [{"alg": "SHA-256", "content": built.sha256}],
    }


def _server(contents: Sequence[Held]) -> list[Component]:
    version = sealift.__version__
    purl = PackageURL("pypi", None, "sealift", version).to_string()
    found: list[Component] = []
    for layer, held in contents:
        if layer and layer.role == "server":
            one = component("sealift", version, purl, layer)
            one |= {"type": "application", "licenses": [{"license": {"id": "Apache-2.0"}}]}
            inner = _linked(held.parts, purl, licenses=_MIT)
            found.append({**one, "components": inner} if held.parts else one)
    return found


def component(name: str, version: str, purl: str, layer: Layer | None) -> Component:
    """A package, in this layer of the image where that is known."""
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "properties": _place(layer),
    }


def _place(layer: Layer | None) -> list[Json]:
    return [{"name": LAYER, "value": layer.descriptor.digest}] if layer else []


def _sha256(of: Digest) -> Json:
    return {"alg": "SHA-256", "content": of.removeprefix("sha256:")}


def _metadata(wheel: Wheel) -> Message:
    return message_from_string(wheel.metadata)


def _dependencies(
    subject: str, components: dict[str, Component], contents: Sequence[Held]
) -> list[Json]:
    """Who needs whom, of those that are there; the image has all of them but its data."""
    names = {(_family(ref), str(one["name"])): ref for ref, one in components.items()}
    needs: dict[str, set[str]] = {reference: set() for reference in components}
    inside = (ref for ref, one in components.items() if one.get("scope") != "excluded")
    needs[subject] = set(inside)
    for _, held in contents:
        for name, text in held.debs.items():
            wanted = (names.get(("deb", other)) for other in _needs_deb(text))
            needs[names["deb", name]] |= {ref for ref in wanted if ref}
        for wheel in held.wheels:
            wanted = (names.get(("pypi", other)) for other in _needs_wheel(wheel))
            needs[names["pypi", wheel.name]] |= {ref for ref in wanted if ref}
    return [
        {"ref": reference, "dependsOn": [*sorted(needs[reference] - {reference})]}
        for reference in sorted(needs)
    ]


def _family(reference: str) -> str:
    return reference.removeprefix("pkg:").partition("/")[0]


def _needs_deb(text: str) -> set[str]:
    stanza = next(stanzas(text), {})
    fields = (stanza.get("Depends", ""), stanza.get("Pre-Depends", ""))
    return {choice.name for field in fields for group in relations(field) for choice in group}


def _needs_wheel(wheel: Wheel) -> set[str]:
    lines = [str(line) for line in _metadata(wheel).get_all("Requires-Dist", [])]
    found = (_REQUIRED.match(line) for line in lines if "extra ==" not in line)
    return {normal(match[1]) for match in found if match}


__all__ = [
    "Component",
    "Held",
    "assembled",
    "component",
    "container",
    "count",
    "debian",
    "document",
    "interpreter",
    "named",
    "red",
    "release",
    "serial_number",
    "system",
    "wheels",
]
