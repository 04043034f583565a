"""A server of others is where it was told to be, and describes its model as it did before."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.check import Check, error, info, warning
from sealift.check.endpoint import described, unlike
from sealift.check.target import Target
from sealift.errors import CheckError
from sealift.loopback import exposed
from sealift.record.report import Finding
from sealift.types import Json


def findings(target: Target) -> Iterator[Finding]:
    """Read the model's metadata, and look who can reach the port."""
    name = target.subject.model.name
    answer = target.get(f"/v2/models/{name}")
    said: dict[str, Json] = {}
    if answer.status == 200:
        said = answer.object()
    else:
        yield warning(
            f"The model's metadata were answered with {answer.status}, not 200.",
            place=answer.place,
        )
    if said and said.get("name") != name:
        yield warning(f"The model calls itself {said.get('name')!r}.", place=answer.place)
    yield from differences(target, said, answer.place)
    yield from at_large(target)
    yield from manners(target)


def differences(target: Target, said: dict[str, Json], place: str) -> Iterator[Finding]:
    """What it says of its tensors is what the contract says, as far as it says anything."""
    contract = target.subject.contract
    for side, expected in (("inputs", contract.inputs), ("outputs", contract.outputs)):
        found = described(said.get(side))
        if not found:
            yield info(f"it does not describe its {side}")
            continue
        known = [(one.name, one.dtype, one.shape) for one in expected]
        for sentence in unlike(known, found):
            yield error(
                f"Among the {side} {sentence}.",
                place=place,
                remedy="It is not as it was when it was brought in: bring it in again.",
            )


def at_large(target: Target) -> Iterator[Finding]:
    """Only this machine can reach it: containers here share the network of their host."""
    if exposed(target.port):
        yield warning(
            "It listens on every network interface: whoever reaches this machine reaches it past "
            "the router.",
            place=f"port {target.port}",
            remedy="Tell it to listen on {host}, in [from_image] args or env.",
        )


def manners(target: Target) -> Iterator[Finding]:
    """A page that is not there gets 404."""
    try:
        answer = target.get("/no-such-page")
    except CheckError as failure:
        yield warning(failure.what, place=failure.where)
        return
    if answer.status != 404:
        yield warning(f"It answered {answer.status}, not 404.", place=answer.place)


CHECK = Check(
    name="endpoint",
    shows="It listens on the port it was given and describes its model as the contract does.",
    findings=findings,
)

__all__ = ["CHECK"]
