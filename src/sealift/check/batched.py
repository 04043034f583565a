"""Rows of one request are answered as each of them is alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sealift.check.bodies import Row, rows_body, tensors_body
from sealift.check.check import Check, error, info
from sealift.check.golden import alike, told
from sealift.check.mixture import mixed
from sealift.check.target import Target
from sealift.check.valid_request import by_name, flat, refused
from sealift.errors import CheckError
from sealift.record.report import Finding
from sealift.types import Json

SIZES = (2, 3, 7, 16, 33)
"""Rows of a request, as far as the contract allows them."""


def findings(target: Target) -> Iterator[Finding]:
    """Ask rows alone, then together in batches of several sizes, by names and by tensors."""
    sizes = [one for one in SIZES if one <= target.subject.contract.max_rows]
    known = mixed(target.subject, max(1, len(target.subject.golden.rows)), 0)
    alone: dict[str, dict[str, Json]] = {}
    for row in known:
        alone.setdefault(repr(row), answered(target, [row]))
    found: list[Finding] = []
    for number, size in enumerate(sizes):
        rows = mixed(target.subject, size, number)
        found += compared(target, rows, alone)
    yield from told(found)
    if not found:
        yield info(
            f"{len(alone)} rows alone and in batches of {', '.join(map(str, sizes)) or 'none'}, "
            f"within {target.subject.golden.tolerance:g}"
        )


def compared(
    target: Target, rows: Sequence[Row], alone: dict[str, dict[str, Json]]
) -> Iterator[Finding]:
    """An error for each row and output that is another in this batch."""
    together = answered(target, rows)
    for name, values in together.items():
        cells = values if isinstance(values, list) else []
        width = len(cells) // len(rows)
        for number, row in enumerate(rows):
            mine: Json = [*cells[number * width : (number + 1) * width]]
            other = alone[repr(row)].get(name)
            if not alike(mine, other, target.subject.golden.tolerance):
                yield error(
                    f"{name}: row {number} of a batch of {len(rows)} gave {mine!r}; alone it gives "
                    f"{other!r}.",
                    place=f"row {row}"[:200],
                    remedy="The model mixes rows: let it answer each by itself, or allow what "
                    "batches change with model.batch_tolerance and train again.",
                )


def answered(target: Target, rows: Sequence[Row]) -> dict[str, Json]:
    """All values of every output, row after row. Raises ``CheckError`` where one is refused."""
    subject = target.subject
    answer = target.post("/predict", rows_body(rows))
    said = answer.object() if answer.status == 200 else {}
    values: dict[str, Json] = {"predictions": flat(said.get("predictions"))}
    if any(None in row.values() for row in rows):
        tensors = answer
    else:
        body = tensors_body(subject.contract, rows)
        tensors = target.post(f"/v2/models/{subject.model.name}/infer", body)
        outputs = by_name(tensors.object()) if tensors.status == 200 else {}
        values |= {name: flat(one.get("data")) for name, one in outputs.items()}
    for one in (answer, tensors):
        if one.status != 200:
            finding = refused(one)
            raise CheckError(finding.message, where=finding.place)
    return values


CHECK = Check(
    name="batched",
    shows="Rows get the same answers together in one request as alone.",
    findings=findings,
)

__all__ = ["CHECK"]
