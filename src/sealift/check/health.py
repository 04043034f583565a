"""Liveness and readiness are told apart, with the right status codes."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.check import Check, error
from sealift.check.starts import LIVE, READY
from sealift.check.target import Target
from sealift.record.report import Finding

REMEDY = "Answer 200 when it is so, and 503 with an error text when it is not."


def findings(target: Target) -> Iterator[Finding]:
    """Ask for the server, for the model, and for a model that is not there."""
    model = target.subject.model
    for path in (
        LIVE,
        READY,
        f"/v2/models/{model.name}/ready",
        f"/v2/models/{model.name}/versions/{model.version}/ready",
    ):
        yield from says_yes(target, path)
    for path in (
        f"/v2/models/{model.name}-other/ready",
        f"/v2/models/{model.name}/versions/{model.version + 1}/ready",
    ):
        answer = target.get(path)
        if answer.status != 404:
            yield error(
                f"A model that is not there was answered with {answer.status}, not 404.",
                place=answer.place,
            )
    yield from while_starting(target)


def says_yes(target: Target, path: str) -> Iterator[Finding]:
    """The path answers 200, and its body, if it has one, does not say otherwise."""
    answer = target.get(path)
    if answer.status != 200:
        yield error(f"It answered {answer.status}, not 200.", place=answer.place, remedy=REMEDY)
    elif answer.body:
        said = answer.object().get(path.rpartition("/")[2], True)
        if said is not True:
            yield error(f"The body says {said!r} with status 200.", place=answer.place)


def while_starting(target: Target) -> Iterator[Finding]:
    """Before it was ready it said 503 and nothing else."""
    odd = {(one.place, one.status) for one in target.starting if one.status not in (200, 503)}
    for place, status in sorted(odd):
        yield error(
            f"It answered {status} while it was starting, not 503.", place=place, remedy=REMEDY
        )


CHECK = Check(
    name="health",
    shows="It says whether it lives and whether it is ready, and knows only its own model.",
    findings=findings,
)

__all__ = ["CHECK"]
