"""The input contract is enforced, field by field."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.answer import Answer
from sealift.check.bodies import good_rows, inputs, rows_body, tensors
from sealift.check.check import Check, error, info
from sealift.check.target import Target
from sealift.check.valid_request import refused, shown
from sealift.check.violations import violations
from sealift.record.report import Finding
from sealift.types import Json

REMEDY = "Refuse what breaks the contract with 400, and name the field in the error."
NULLS = "nulls"


def findings(target: Target) -> Iterator[Finding]:
    """Break the contract in every way, for every field; a good request must still be answered."""
    good = good_rows(target.subject, 1)[0]
    tried = 0
    for broken in violations(target.subject.contract, good):
        tried += 1
        # second of two rows: the error must point at the row that is at fault
        answer = target.post("/predict", {"rows": [dict(good), broken.row]})
        yield from named(answer, broken.field, broken.fault, row="rows[1]")
    yield from too_many(target)
    yield from by_tensors(target)
    answer = target.post("/predict", rows_body([good]))
    if answer.status != 200:
        yield refused(answer)
    yield info(f"{tried} violations of {len(target.subject.contract.fields)} fields tried")


def named(
    answer: Answer, field: str, fault: str, *, row: str = "", alias: str = ""
) -> Iterator[Finding]:
    """The answer is 400, and its text or path names the field (and the path its row).

    ``alias`` is another way to name it: its place in the request.
    """
    if answer.status != 400:
        yield error(
            f"{field!r}: {fault} was answered with {answer.status}, not 400.",
            place=shown(answer),
            remedy=REMEDY,
        )
        return
    said = answer.object()
    text, path = str(said.get("error", "")), str(said.get("path", ""))
    names = [name for name in (field, alias) if name]
    if not text or not any(name in words for name in names for words in (text, path)):
        yield error(
            f"{field!r}: the answer to {fault} does not name the field.",
            place=shown(answer),
            remedy=REMEDY,
        )
    elif row and path and not path.startswith(row):
        yield error(
            f"{field!r}: the answer to {fault} points at {path!r}, not at {row!r}.",
            place=shown(answer),
        )


def too_many(target: Target) -> Iterator[Finding]:
    """One row more than the contract allows is refused."""
    limit = target.subject.contract.max_rows
    answer = target.post("/predict", rows_body(good_rows(target.subject, limit + 1)))
    if answer.status not in (400, 413):
        yield error(
            f"{limit + 1} rows were answered with {answer.status}, not 400 or 413; "
            f"the contract allows {limit}.",
            place=shown(answer),
        )


def by_tensors(target: Target) -> Iterator[Finding]:
    """Tensors that break the contract: every input in turn, and one that is not known."""
    subject = target.subject
    rows = good_rows(subject, 2)
    if any(None in row.values() for row in rows):
        return
    path = f"/v2/models/{subject.model.name}/infer"
    last = len(tensors(subject.contract)) - 1
    for name, dtype, fields in tensors(subject.contract):
        for fault, body in broken_tensors(inputs(subject.contract, rows), name, dtype):
            if fault == NULLS and any(field.nullable for field in fields):
                continue
            yield from named(target.post(path, body), name, fault, alias=f"inputs[{last}]")


def broken_tensors(
    good: list[dict[str, Json]], name: str, dtype: str
) -> Iterator[tuple[str, dict[str, Json]]]:
    """A request with one input missing, or with that input last and spoilt in one respect."""
    others: list[Json] = [dict(one) for one in good if one["name"] != name]
    own = next(one for one in good if one["name"] == name)
    data = own["data"] if isinstance(own["data"], list) else []
    yield "its absence", {"inputs": others}
    changes: dict[str, dict[str, Json]] = {
        "a shape larger than its data": {"shape": [3, len(data) // 2]},
        "a negative shape": {"shape": [-2, len(data) // -2]},
        "one value too few": {"data": data[:-1]},
        "another datatype": {"datatype": "FP64" if dtype == "BYTES" else "BYTES"},
        "values of another type": {"data": [{}] * len(data)},
        NULLS: {"data": [None] * len(data)},
    }
    for fault, change in changes.items():
        yield fault, {"inputs": [*others, {**own, **change}]}
    yield "its second mention", {"inputs": [*others, own, own]}


CHECK = Check(
    name="contract",
    shows="Whatever breaks the contract gets 400 with the name of the field, for every field.",
    findings=findings,
)

__all__ = ["CHECK", "NULLS", "broken_tensors"]
