"""An image explained: sizes by layer and package, and why it is not the one before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sealift.digest import short
from sealift.package import making
from sealift.package.contents import Contents
from sealift.package.stack import WHEELS
from sealift.record.explanation import Explanation, LayerStory, Package
from sealift.record.image import Image, Layer
from sealift.record.lock import Lock
from sealift.record.pin import normal

Known = tuple[Image, Lock]


def explain(
    image: Image, lock: Lock, contents: Sequence[Contents], before: Known | None
) -> Explanation:
    """What an image holds and how it came to differ from the one ``before`` it.

    ``contents`` are those of its layers, in the same order.
    """
    old = {_name(layer): layer for layer in before[0].layers} if before else {}
    stories = []
    for layer, content in zip(image.layers, contents, strict=True):
        there = old.pop(_name(layer), None)
        same = there is not None and there.descriptor.digest == layer.descriptor.digest
        why = () if same or before is None else tuple(_because(layer, (image, lock), before))
        stories.append(
            LayerStory(
                layer=_name(layer),
                digest=layer.descriptor.digest,
                size=layer.descriptor.size,
                unpacked=content.unpacked,
                state="same" if same else "changed" if there else "new",
                because=why,
            )
        )
    return Explanation(
        image=image.digest,
        since=before[0].digest if before else None,
        layers=tuple(stories),
        gone=tuple(old),
        packages=tuple(_packages(image, contents)),
    )


def _name(layer: Layer) -> str:
    return f"{layer.role} {layer.holds}".rstrip()


def _packages(image: Image, contents: Sequence[Contents]) -> list[Package]:
    found = [
        Package(name=name, layer=_name(layer), unpacked=size)
        for layer, content in zip(image.layers, contents, strict=True)
        for name, size in content.sizes.items()
    ]
    return sorted(found, key=lambda one: (-one.unpacked, one.name))


def _because(layer: Layer, now: Known, before: Known) -> Iterator[str]:
    """Why a layer is not what it was, as far as the locks tell."""
    if layer.role == "model":
        if now[0].model != before[0].model:
            yield f"model {now[0].model} instead of {before[0].model}"
        return
    if layer.role == "bytecode":
        had = any(one.role == "bytecode" for one in before[0].layers)
        yield "other modules, or another interpreter" if had else "image.bytecode is on by now"
        return
    if layer.role == "server":
        yield "other code of Sealift's server"
        return
    if layer.role == "interpreter":
        yield f"Python {_interpreter(now[1])} instead of {_interpreter(before[1])}"
        return
    if layer.role == "base" and (now[1].foundation or before[1].foundation):
        yield f"base image {_base(now[1])} instead of {_base(before[1])}"
        return
    changes = list(changed(_versions(layer, before), _versions(layer, now)))
    yield from changes or ["the same packages, laid out by other code of Sealift"]


def _interpreter(lock: Lock) -> str:
    return f"{lock.standalone.version} of {lock.standalone.archive}" if lock.standalone else "none"


def _base(lock: Lock) -> str:
    return short(lock.foundation.image) if lock.foundation else "none"


def _versions(layer: Layer, known: Known) -> dict[str, str]:
    """The packages that a lock has for such a layer, with what tells them apart."""
    image, lock = known
    if layer.role not in WHEELS:
        return {deb.name: deb.version for deb in making.debs(lock, [layer.role])}
    apart = {normal(one.holds) for one in image.layers if one.role == layer.role and one.holds}
    pins = making.pins(lock, ["runtime" if layer.role == "spare" else layer.role])
    wanted = {normal(layer.holds)} if layer.holds else pins.keys() - apart
    return {name: pin.version for name, pin in pins.items() if name in wanted}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """The differences of two sets of versions, a line each, by name.

    >>> list(changed({"click": "8.1", "six": "1"}, {"click": "8.2", "numpy": "2.4"}))
    ['click 8.1 -> 8.2', 'numpy 2.4 is new', 'six 1 is gone']
    """
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if old is None:
            yield f"{name} {new} is new"
        elif new is None:
            yield f"{name} {old} is gone"
        else:
            yield f"{name} {old} -> {new}"


__all__ = ["changed", "explain"]
