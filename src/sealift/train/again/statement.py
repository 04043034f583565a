"""A reproduction, signed: an in-toto statement about the image of the model that the run made."""

from __future__ import annotations

import msgspec

from sealift import attestation
from sealift.attestation import Kind
from sealift.ports import Signer, Store
from sealift.record.image import Descriptor
from sealift.record.reproduction import Reproduction
from sealift.types import Digest, Json

KIND = Kind(
    predicate="urn:sealift:reproduction:v1",
    noun="reproduction",
    remedy="Run `sealift reproduce RUN --attach`.",
)


def seal(made: Reproduction, image: Digest, *, signer: Signer, store: Store) -> Descriptor:
    """Sign a reproduction and keep it as a referrer of an image, whatever its verdicts.

    Raises ``NotFoundError`` if the image is not here.
    """
    predicate: Json = msgspec.to_builtins(made) | {"reproduced": made.reproduced}
    stated = attestation.statement(KIND, predicate, image=image, name=made.project)
    content = attestation.pack(stated, signer)
    return attestation.keep(KIND, content, image, created=made.finished, store=store)


def sealed(image: Digest, *, signer: Signer, store: Store) -> list[Reproduction]:
    """The reproductions kept beside an image that a trusted key signed, oldest first.

    Raises ``IntegrityError`` when there are some and none is valid.
    """
    found = attestation.valid(
        KIND,
        image,
        store,
        lambda content: attestation.unpack(KIND, content, image, signer, Reproduction),
    )
    return [made for made, _ in found]


__all__ = ["KIND", "seal", "sealed"]
