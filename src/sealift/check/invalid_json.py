"""A body that is not JSON, or not a request, gets 400 and a reason; never a 5xx."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error
from sealift.check.target import Target
from sealift.check.valid_request import refused, shown
from sealift.record.report import Finding

BROKEN: dict[str, bytes] = {
    "no body": b"",
    "a cut-off object": b'{"rows": [{"a": 1',
    "text": b"hello",
    "bytes that are not UTF-8": b'{"rows": [{"a": "\xff\xfe"}]}',
    "a bare NaN": b'{"rows": [{"a": NaN}]}',
    "single quotes": b"{'rows': []}",
    "rubbish behind an object": b'{"rows": []} rubbish',
    "ten thousand open brackets": b"[" * 10_000,
    "null": b"null",
    "a list": b"[1, 2, 3]",
    "an empty object": b"{}",
    "a text where a list belongs": b'{"rows": "x", "inputs": "x"}',
    "a list of numbers": b'{"rows": [1, 2], "inputs": [1, 2]}',
}
"""Bodies that no model can answer, in words and in bytes."""


def findings(target: Target) -> Iterator[Finding]:
    """Send every one of them to both endpoints, then a good request."""
    for path in ("/predict", f"/v2/models/{target.subject.model.name}/infer"):
        for words, body in BROKEN.items():
            yield from turned_down(target, path, words, body)
    answer = target.post("/predict", rows_body(good_rows(target.subject, 1)))
    if answer.status != 200:
        yield refused(answer)


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

__all__ = ["BROKEN", "CHECK"]
