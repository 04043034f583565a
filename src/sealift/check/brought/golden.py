"""A server of others gives the answers that it gave when it was brought in."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.brought.asking import NO_ROWS, ask, known_rows
from sealift.check.check import Check, error, info, spared
from sealift.check.golden import alike, by_tensors, told
from sealift.check.target import Target
from sealift.check.valid_request import by_name, flat, refused
from sealift.record.report import Finding
from sealift.types import Json

TIMES = 4


def same_as_then(target: Target) -> Iterator[Finding]:
    """Send the golden rows in batches as large as it takes, and one by one."""
    golden, most = target.subject.golden, target.subject.contract.max_rows
    if not golden.rows:
        yield spared(NO_ROWS)
        return
    numbers = range(len(golden.rows))
    batches = [list(numbers[at : at + most]) for at in range(0, len(numbers), most)]
    alone = [[number] for number in numbers] if most > 1 else []
    found = [one for batch in [*batches, *alone] for one in by_tensors(target, batch)]
    yield from told(found)
    ways = "in batches and one by one" if most > 1 else "one by one"
    yield info(f"{len(golden.rows)} rows within {golden.tolerance:g}, {ways}")


def same_again(target: Target) -> Iterator[Finding]:
    """Repeat a request; up to the tolerance the answers are the same."""
    rows = known_rows(target, min(2, target.subject.contract.max_rows))
    if not rows:
        yield spared(NO_ROWS)
        return
    first, *rest = (ask(target, rows) for _ in range(TIMES))
    if first.status != 200:
        yield refused(first)
        return
    expected = by_name(first.object())
    for answer in rest:
        if answer.status != 200:
            yield refused(answer)
            continue
        outputs = by_name(answer.object())
        for name, tensor in expected.items():
            one: Json = [*flat(tensor.get("data"))]
            other: Json = [*flat(outputs.get(name, {}).get("data"))]
            if not alike(other, one, target.subject.golden.tolerance):
                yield error(f"Asked again, {name!r} had other values.", place=answer.place)


GOLDEN = Check(
    name="golden",
    shows="What it answered when it was brought in comes out again.",
    findings=same_as_then,
)

REPEATABLE = Check(
    name="repeatable",
    shows="The same request gets the same answer.",
    findings=same_again,
)

__all__ = ["GOLDEN", "REPEATABLE"]
