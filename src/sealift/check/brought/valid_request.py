"""A server of others answers valid requests in the form that its contract says."""

from __future__ import annotations

from collections.abc import Iterator

from sealift import clock
from sealift.check.answer import Answer
from sealift.check.brought.asking import NO_ROWS, ask, known_rows
from sealift.check.check import Check, error, spared, warning
from sealift.check.target import Target
from sealift.check.valid_request import by_name, fits, refused, shown
from sealift.record.report import Finding
from sealift.types import Json


def findings(target: Target) -> Iterator[Finding]:
    """Ask for one row and for several, and look at each answer."""
    if not target.subject.golden.rows:
        yield spared(NO_ROWS)
        return
    for count in sorted({1, min(3, target.subject.contract.max_rows)}):
        identifier = f"check-{clock.token(8)}"
        answer = ask(target, known_rows(target, count), identifier)
        if answer.status != 200:
            yield refused(answer)
            continue
        said = answer.object()
        yield from polite(target, answer, said, identifier)
        outputs = by_name(said)
        for output in target.subject.contract.outputs:
            if output.name not in outputs:
                yield error(f"The output {output.name!r} is missing.", place=shown(answer))
            else:
                yield from fits(answer, outputs[output.name], output, count)


def polite(
    target: Target, answer: Answer, said: dict[str, Json], identifier: str
) -> Iterator[Finding]:
    """What the protocol asks for and clients can do without."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        yield warning(f"Content-Type is {kind!r}, not 'application/json'.", place=answer.place)
    if said.get("model_name") != target.subject.model.name:
        yield warning(f"model_name is {said.get('model_name')!r}.", place=answer.place)
    if said.get("id") != identifier:
        yield warning("The id of the request does not come back.", place=answer.place)


CHECK = Check(
    name="valid-request",
    shows="A valid inference request gets an answer of the declared form.",
    findings=findings,
)

__all__ = ["CHECK"]
