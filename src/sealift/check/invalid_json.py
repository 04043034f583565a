"""A body that is not JSON, or not a request, gets 400 and a reason; never a 5xx."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check.bodies import good_rows, rows_body, tensors_body
from sealift.check.check import Check, error
from sealift.check.target import Target
from sealift.check.valid_request import refused, shown
from sealift.record.contract import Contract, Field, FieldType
from sealift.record.report import Finding
from sealift.types import Json

SPOILT: dict[FieldType, dict[str, bytes]] = {
    "float": {"NaN": b"NaN", "an infinity": b"-Infinity", "a number without end": b"1e999"},
    "string": {"bytes that are not UTF-8": b'"\xff\xfe"', "a lone surrogate": b'"\\ud800"'},
    "int": {"a leading zero": b"007"},
    "bool": {"a Python constant": b"True"},
}
"""By type of field, what may not stand in the place of its value."""

MARK = "the place of the value"


def findings(target: Target) -> Iterator[Finding]:
    """Send every one of them to both endpoints, then a good request."""
    subject = target.subject
    row = good_rows(subject, 1)[0]
    for field in one_a_type(subject.contract):
        for words, value in SPOILT[field.type].items():
            body = msgspec.json.encode(rows_body([{**row, field.name: MARK}]))
            yield from turned_down(
                target, "/predict", words, body.replace(msgspec.json.encode(MARK), value)
            )
    yield from misshapen(target, "/predict", rows_body([row]))
    if None not in row.values():
        path = f"/v2/models/{subject.model.name}/infer"
        yield from misshapen(target, path, tensors_body(subject.contract, [row]))
    answer = target.post("/predict", rows_body([row]))
    if answer.status != 200:
        yield refused(answer)


def one_a_type(contract: Contract) -> list[Field]:
    """The first field of every type."""
    first: dict[FieldType, Field] = {}
    for field in contract.fields:
        first.setdefault(field.type, field)
    return list(first.values())


def misshapen(target: Target, path: str, good: dict[str, Json]) -> Iterator[Finding]:
    """Send bodies that are no request, each of which must be turned down."""
    for words, body in misshapen_bodies(msgspec.json.encode(good)):
        yield from turned_down(target, path, words, body)


def misshapen_bodies(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Bodies that are no request, most of them made from ``text``, which is one."""
    yield from {
        "nothing in it": b"",
        "its end cut off": text[:-3],
        "rubbish behind it": text + b" rubbish",
        "single quotes": text.replace(b'"', b"'"),
        "a comma too many": text[:-1] + b",}",
        "plain text": b"hello",
        "ten thousand open brackets": b"[" * 10_000,
        "null instead of an object": b"null",
        "a list instead of an object": b"[" + text + b"]",
        "an empty object": b"{}",
        "texts where lists belong": b'{"rows": "x", "inputs": "x"}',
        "numbers where objects belong": b'{"rows": [1, 2], "inputs": [1, 2]}',
    }.items()


def turned_down(target: Target, path: str, words: str, body: bytes) -> Iterator[Finding]:
    """The body is answered with 400 and an error object."""
    answer = target.request("POST", path, body, {"content-type": "application/json"})
    if answer.status != 400:
        yield error(
            f"A body with {words} was answered with {answer.status}, not 400.",
            place=shown(answer),
            remedy="Answer every request that is not understood with 400 and a reason.",
        )
    elif not isinstance(answer.object().get("error"), str):
        yield error(f"The answer to {words} has no 'error' text.", place=shown(answer))


CHECK = Check(
    name="invalid-json",
    shows="What is not a JSON request gets 400 with a reason, and harms nothing.",
    findings=findings,
)

__all__ = ["CHECK", "misshapen_bodies"]
