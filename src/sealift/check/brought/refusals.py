"""What a server of others does with what is no request, or does not fit its inputs.

It may not know what Sealift learnt of its inputs, so an answer is no fault; a 5xx is one of
manners, which the guards of a release count; and a server that is harmed by it is unfit.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check.answer import Answer
from sealift.check.bodies import inputs, tensors, tensors_body
from sealift.check.brought.asking import NO_ROWS, ask, known_rows, path
from sealift.check.check import Check, info, spared, warning
from sealift.check.contract import NULLS, broken_tensors
from sealift.check.invalid_json import misshapen_bodies
from sealift.check.target import Target
from sealift.check.valid_request import refused, shown
from sealift.errors import CheckError
from sealift.record.report import Finding

REMEDY = "Mend it in the server; until then such requests count as failures of the version."
SHOWN = 3
"""Faults of one kind told in full; the rest is counted."""


def no_requests(target: Target) -> Iterator[Finding]:
    """Send bodies that are no request, then a good one."""
    rows = known_rows(target, 1)
    if not rows:
        yield spared(NO_ROWS)
        return
    text = msgspec.json.encode(tensors_body(target.subject.contract, rows))
    yield from told(target, dict(misshapen_bodies(text)), accepted=True)
    yield from unharmed(target)


def bad_tensors(target: Target) -> Iterator[Finding]:
    """Break the form of every input in turn, then send a good request."""
    rows = known_rows(target, min(2, target.subject.contract.max_rows))
    if not rows:
        yield spared(NO_ROWS)
        return
    contract = target.subject.contract
    bodies = {
        f"{fault} (input {name!r})": msgspec.json.encode(body)
        for name, dtype, _ in tensors(contract)
        for fault, body in broken_tensors(inputs(contract, rows), name, dtype)
        if fault != NULLS
    }
    yield from told(target, bodies, accepted=False)
    yield from unharmed(target)
    yield info("ranges and categories of the contract are not enforced by this server")


def told(target: Target, bodies: dict[str, bytes], *, accepted: bool) -> Iterator[Finding]:
    """The faults that it answered with 5xx, or not at all, or (if ``accepted``) as if good."""
    odd = [
        f"{words}: {said}"
        for words, body in bodies.items()
        if (said := strange(target, body, accepted=accepted))
    ]
    for sentence in odd[:SHOWN]:
        yield warning(f"No 4xx came for a body with {sentence}.", remedy=REMEDY)
    if len(odd) > SHOWN:
        yield warning(f"No 4xx came for {len(odd) - SHOWN} more of {len(bodies)} bodies.")
    yield info(f"{len(bodies)} bodies tried, {len(bodies) - len(odd)} refused")


def strange(target: Target, body: bytes, *, accepted: bool) -> str:
    """How it answered a body that it should refuse, if that was no way to do so."""
    try:
        answer = target.request("POST", path(target), body, {"content-type": "application/json"})
    except CheckError as failure:
        return failure.what.rstrip(".")
    if answer.status >= 500 or (accepted and answer.status < 400):
        return f"it was answered with {answer.status}"
    return ""


def unharmed(target: Target) -> Iterator[Finding]:
    """A good request is answered as before."""
    answer: Answer = ask(target, known_rows(target, 1))
    if answer.status != 200:
        yield refused(answer)
    elif not answer.object().get("outputs"):
        yield warning("The answer after them has no outputs.", place=shown(answer))


INVALID_JSON = Check(
    name="invalid-json",
    shows="What is not a JSON request harms nothing.",
    findings=no_requests,
)

CONTRACT = Check(
    name="contract",
    shows="Tensors that do not fit its inputs harm nothing.",
    findings=bad_tensors,
)

__all__ = ["CONTRACT", "INVALID_JSON"]
