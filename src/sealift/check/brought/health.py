"""A server of others says whether it lives and whether it is ready, and knows its own model."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.check import Check, error, warning
from sealift.check.target import Target
from sealift.record.report import Finding


def findings(target: Target) -> Iterator[Finding]:
    """Ask for the server, for the model, and for a model that is not there."""
    launch, name = target.launch, target.subject.model.name
    for path in dict.fromkeys((launch.live, launch.ready)):
        answer = target.get(path)
        if answer.status != 200:
            yield error(f"It answered {answer.status}, not 200.", place=answer.place)
    own = target.get(f"/v2/models/{name}/ready")
    if own.status != 200:
        yield warning(
            f"The model's readiness was answered with {own.status}, not 200.", place=own.place
        )
    stranger = target.get(f"/v2/models/{name}-other/ready")
    if stranger.status == 200 or stranger.status >= 500:
        yield warning(
            f"A model that is not there was answered with {stranger.status}, not 404.",
            place=stranger.place,
        )
    yield from while_starting(target)


def while_starting(target: Target) -> Iterator[Finding]:
    """Before it was ready it said so by 503, as those who ask in front of it expect."""
    odd = {(one.place, one.status) for one in target.starting if one.status not in (200, 503)}
    for place, status in sorted(odd):
        yield warning(f"It answered {status} while it was starting, not 503.", place=place)


CHECK = Check(
    name="health",
    shows="It says whether it lives and whether it is ready, and knows only its own model.",
    findings=findings,
)

__all__ = ["CHECK"]
