"""What is stated of an image that was brought in: its bill of materials, and where it comes from.

Nobody here saw it being built. The bill says what the files in it tell of packages; the provenance
says from where it was brought and under which digest, and that its builder is not known.
"""

from __future__ import annotations

import msgspec
from packageurl import PackageURL

import sealift
from sealift.package import bom, card
from sealift.package.licences import of_text
from sealift.package.making import Distribution
from sealift.package.whole import Apk, Whole
from sealift.record.image import Image
from sealift.record.model import Model, Origin
from sealift.types import Digest, Json

BUILD_TYPE = "urn:sealift:brought:v1"
UNKNOWN_BUILDER = "urn:sealift:builder:unknown"
UNREAD = "sealift:packages:unread"


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """An image of others, the model in it, where it comes from, and for which project."""

    image: Image
    model: Model
    origin: Origin
    project: str


def bill(brought: Brought, whole: Whole) -> dict[str, Json]:
    """The bill of materials of an image of others; the same image gives the same."""
    held: list[bom.Held] = [(None, whole.contents)]
    values = bom.release(held)
    vendor = values.get("ID", "debian" if whole.contents.debs else "")
    named = Distribution(vendor, values.get("VERSION_CODENAME") or values.get("VERSION_ID", ""))
    subject = bom.container(brought.project, brought.image)
    notes: list[Json] = [{"name": UNREAD, "value": name} for name in whole.unread]
    properties = subject["properties"]
    subject["properties"] = [*(properties if isinstance(properties, list) else []), *notes]
    found = [
        *([bom.system(held)] if vendor else []),
        *bom.debian(held, named),
        *(_apk(one, named) for one in whole.apks),
        *bom.red(held),
        *bom.wheels(held, {}),
        card.brought(brought.model, brought.origin),
    ]
    return bom.assembled(brought.image.digest, subject, found, held)


def _apk(one: Apk, distribution: Distribution) -> bom.Component:
    qualifiers = {"arch": one.arch} if one.arch else {}
    if distribution.codename:
        qualifiers["distro"] = distribution.codename
    purl = PackageURL("apk", distribution.vendor or "alpine", one.name, one.version, qualifiers)
    made = bom.component(one.name, one.version, purl.to_string(), None)
    return {**made, "licenses": of_text(one.licence)} if one.licence else made


def predicate(brought: Brought) -> dict[str, Json]:
    """Where an image of others comes from (SLSA provenance v1): its builder is not known."""
    origin, model = brought.origin, brought.model
    launch: Json = msgspec.to_builtins(origin.launch)
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "reference": origin.reference,
                "project": {"name": brought.project},
                "platform": brought.image.platform,
                "model": {"name": model.name, "version": model.version, "served": origin.served},
                "launch": launch,
            },
            "resolvedDependencies": [
                {"uri": origin.reference, "digest": _digest(origin.image)},
                {"name": "model", "digest": _digest(model.digest)},
                *(
                    {
                        "name": f"layer/{number}",
                        "digest": _digest(layer.descriptor.digest),
                        "mediaType": layer.descriptor.media_type,
                    }
                    for number, layer in enumerate(brought.image.layers)
                ),
            ],
        },
        "runDetails": {
            "builder": {"id": UNKNOWN_BUILDER},
            "metadata": {"invocationId": f"sealift {sealift.__version__}: brought in"},
        },
    }


def _digest(of: Digest) -> Json:
    algorithm, _, value = of.partition(":")
    return {algorithm: value}


__all__ = ["BUILD_TYPE", "UNKNOWN_BUILDER", "UNREAD", "Brought", "bill", "predicate"]
