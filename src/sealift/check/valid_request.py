"""A valid JSON request gets a valid JSON answer, in both forms of the protocol."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sealift import clock
from sealift.check.answer import Answer, spelled
from sealift.check.bodies import good_rows, rows_body, tensors_body
from sealift.check.check import Check, error
from sealift.check.endpoint import same_shape
from sealift.check.target import Target
from sealift.record.contract import Contract, Output
from sealift.record.report import Finding
from sealift.types import Json


def findings(target: Target) -> Iterator[Finding]:
    """Ask for one row and for several, by names and by tensors, and look at each answer."""
    for count in (1, 3):
        yield from by_names(target, count)
        yield from by_tensors(target, count)
    yield from by_header(target)


def by_names(target: Target, count: int) -> Iterator[Finding]:
    """``POST /predict``: rows of named fields."""
    subject = target.subject
    identifier = f"check-{clock.token(8)}"
    answer = target.post("/predict", rows_body(good_rows(subject, count), identifier))
    if answer.status != 200:
        yield refused(answer)
        return
    said = answer.object()
    yield from announced(target, answer)
    yield from same(answer, "id", said.get("id"), identifier)
    yield from same(answer, "model", said.get("model"), subject.model.name)
    yield from same(answer, "version", str(said.get("version")), str(subject.model.version))
    predictions = said.get("predictions")
    if not isinstance(predictions, list) or len(predictions) != count:
        yield error(f"The answer does not hold {count} predictions.", place=shown(answer))
    elif not all(is_prediction(one, subject.contract) for one in predictions):
        yield error("A prediction is not of the contract's type.", place=shown(answer))


def by_tensors(target: Target, count: int) -> Iterator[Finding]:
    """``POST /v2/models/NAME/infer``: the model's own tensors."""
    subject = target.subject
    rows = good_rows(subject, count)
    if any(None in row.values() for row in rows):
        return
    identifier = f"check-{clock.token(8)}"
    body = tensors_body(subject.contract, rows, identifier)
    path = f"/v2/models/{subject.model.name}"
    for answer in (
        target.post(f"{path}/infer", body),
        target.post(f"{path}/versions/{subject.model.version}/infer", body),
    ):
        if answer.status != 200:
            yield refused(answer)
            continue
        said = answer.object()
        yield from announced(target, answer)
        yield from same(answer, "id", said.get("id"), identifier)
        yield from same(answer, "model_name", said.get("model_name"), subject.model.name)
        outputs = by_name(said)
        for output in subject.contract.outputs:
            if output.name not in outputs:
                yield error(f"The output {output.name!r} is missing.", place=shown(answer))
            else:
                yield from fits(answer, outputs[output.name], output, count)


def by_header(target: Target) -> Iterator[Finding]:
    """A request without an id in its body is known by its header."""
    identifier = f"check-{clock.token(8)}"
    body = rows_body(good_rows(target.subject, 1))
    answer = target.post("/predict", body, headers={"x-request-id": identifier})
    if answer.status != 200:
        yield refused(answer)
        return
    yield from same(answer, "id", answer.object().get("id"), identifier)
    yield from same(answer, "X-Request-Id", answer.headers.get("x-request-id"), identifier)


def announced(target: Target, answer: Answer) -> Iterator[Finding]:
    """The answer says what it is, and by which image and version it was given."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    yield from same(answer, "Content-Type", kind, "application/json")
    subject = target.subject
    image, version = (answer.headers.get(f"x-sealift-{key}") for key in ("image", "version"))
    yield from same(answer, "X-Sealift-Image", image, subject.image)
    yield from same(answer, "X-Sealift-Version", version, str(subject.model.version))


def fits(answer: Answer, tensor: dict[str, Json], output: Output, count: int) -> Iterator[Finding]:
    """An output tensor has its datatype, its shape and as many values."""
    yield from same(answer, f"{output.name}: datatype", tensor.get("datatype"), output.dtype)
    shape = sizes(tensor.get("shape"))
    if not same_shape(shape, (count, *output.shape[1:])):
        yield error(
            f"Output {output.name!r} has the shape {list(shape)}, "
            f"not {[count, *output.shape[1:]]}.",
            place=shown(answer),
        )
    values = flat(tensor.get("data"))
    if len(values) != math.prod(shape):
        yield error(
            f"Output {output.name!r} has {len(values)} values for the shape {list(shape)}.",
            place=shown(answer),
        )
    elif not all(is_element(value, output.dtype) for value in values):
        yield error(f"A value of {output.name!r} is not {output.dtype}.", place=shown(answer))


def sizes(shape: Json) -> tuple[int, ...]:
    """A tensor's shape; empty when it is none."""
    return tuple(one for one in shape if isinstance(one, int)) if isinstance(shape, list) else ()


def by_name(said: dict[str, Json]) -> dict[str, dict[str, Json]]:
    """The output tensors of an Open Inference Protocol answer."""
    outputs = said.get("outputs")
    tensors = [one for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
    return {str(tensor.get("name")): tensor for tensor in tensors}


def flat(value: Json) -> list[Json]:
    """A tensor's values in row-major order, whether they came nested or flat.

    >>> flat([[1, 2], [3, 4]])
    [1, 2, 3, 4]
    """
    if not isinstance(value, list):
        return [value]
    return [leaf for part in value for leaf in flat(part)]


def is_prediction(value: Json, contract: Contract) -> bool:
    """Whether a value can be the answer to the task: a number, or one of the classes."""
    if contract.task == "regression":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return not contract.classes or spelled(value) in contract.classes


def is_element(value: Json, dtype: str) -> bool:
    """Whether a JSON value can be an element of this datatype."""
    if dtype == "BOOL":
        return isinstance(value, bool)
    if dtype == "BYTES":
        return isinstance(value, str)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole or (dtype.startswith("FP") and isinstance(value, float))


def same(answer: Answer, what: str, found: Json, expected: Json) -> Iterator[Finding]:
    """Nothing when they are equal, else an error."""
    if found != expected:
        yield error(f"{what} is {found!r}, not {expected!r}.", place=answer.place)


def refused(answer: Answer) -> Finding:
    """The finding for a good request that was not answered."""
    return error(
        f"A request that fits the contract was answered with {answer.status}.", place=shown(answer)
    )


def shown(answer: Answer) -> str:
    """The request and the beginning of its answer."""
    return f"{answer.place}: {answer.text}"


CHECK = Check(
    name="valid-request",
    shows="A valid JSON request gets a JSON answer of the declared form, under its own id.",
    findings=findings,
)

__all__ = ["CHECK", "by_name", "fits", "flat", "refused", "shown", "sizes"]
