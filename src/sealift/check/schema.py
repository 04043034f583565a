"""Answers are what the server's OpenAPI document declares (OpenAPI 3.1, JSON Schema 2020-12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jsonschema_rs

from sealift.check.answer import Answer
from sealift.check.bodies import good_rows, rows_body, tensors_body
from sealift.check.check import Check, error, info, spared
from sealift.check.target import Target
from sealift.check.valid_request import shown
from sealift.errors import CheckError
from sealift.record.report import Finding
from sealift.types import Json

PATH = "/openapi.json"
REMEDY = "Make the document and the answers from the same contract."
_JSON = "application/json"


class Exchange(NamedTuple):
    """A request of a declared path, and its answer; ``body`` is None where there was none."""

    method: str
    path: str
    body: Json
    answer: Answer


def findings(target: Target) -> Iterator[Finding]:
    """Ask every path that is declared, well and badly, and hold each answer to its schema."""
    page = target.get(PATH)
    if page.status == 404:
        yield spared(f"the server publishes no OpenAPI document at {PATH}.")
        return
    document = page.object()
    if page.status != 200 or not str(document.get("openapi", "")).startswith("3.1"):
        yield error(f"{PATH} is no document of OpenAPI 3.1.", place=shown(page))
        return
    count = 0
    for one in exchanges(target):
        count += 1
        yield from judged(document, one)
    yield info(f"{count} answers are as {PATH} declares them")


def exchanges(target: Target) -> Iterator[Exchange]:
    """Requests of every kind, and what came of them."""
    model = f"/v2/models/{target.subject.model.name}"
    for path in ("/v2/health/live", "/v2/health/ready", "/v2", model, f"{model}/ready"):
        yield Exchange("get", path, None, target.get(path))
    for path, bodies in asked(target, model).items():
        for body in bodies:
            yield Exchange("post", path, body, target.post(path, body))


def asked(target: Target, model: str) -> dict[str, list[Json]]:
    """Bodies for each path that predicts: good ones of one row and several, and bad ones."""
    rows = good_rows(target.subject, 3)
    lacking = dict([*rows[0].items()][1:])
    whole = [row for row in rows if None not in row.values()]
    tensors: list[Json] = [tensors_body(target.subject.contract, whole)] if whole else []
    return {
        "/predict": [rows_body(rows[:1]), rows_body(rows), rows_body([lacking]), {"rows": "x"}],
        f"{model}/infer": [*tensors, {"inputs": []}, []],
    }


def judged(document: dict[str, Json], one: Exchange) -> Iterator[Finding]:
    """Whether an answer is declared, and of the form that is declared; a good request too."""
    place = f"{one.method.upper()} {one.path}"
    operation = _at(document, "paths", one.path, one.method)
    if operation is None:
        yield error("The server answers what it does not declare.", place=place, remedy=REMEDY)
        return
    status = str(one.answer.status)
    kind = one.answer.headers.get("content-type", "").partition(";")[0].strip()
    inside = ("paths", one.path, one.method, "responses", status, "content", kind, "schema")
    if _at(document, *inside) is None:
        yield error(
            f"The answer {status} of {kind or 'no media type'} is not declared.",
            place=shown(one.answer),
            remedy=REMEDY,
        )
        return
    for wrong in broken(document, inside, one.answer.json()):
        yield error(f"The answer is not of its schema: {wrong}.", place=shown(one.answer))
    taken = ("paths", one.path, one.method, "requestBody", "content", _JSON, "schema")
    if one.answer.status == 200 and _at(document, *taken) is not None:
        for wrong in broken(document, taken, one.body):
            yield error(f"A request is taken that its schema forbids: {wrong}.", place=place)


def broken(document: dict[str, Json], inside: tuple[str, ...], value: Json) -> Iterator[str]:
    """How a value breaks the schema at a place of a document, in words, the first few.

    Raises ``CheckError`` for what is no schema. Nothing is fetched.
    """
    pointer = "#/" + "/".join(one.replace("~", "~0").replace("/", "~1") for one in inside)
    try:
        validator = jsonschema_rs.Draft202012Validator(
            {**document, "$ref": pointer}, retriever=_nothing
        )
    except ValueError as reason:
        raise CheckError(
            f"The document of OpenAPI holds no schema: {reason}.", where=pointer, remedy=REMEDY
        ) from reason
    for number, fault in enumerate(validator.iter_errors(value)):
        if number == 3:
            return
        where = "".join(
            f"[{one}]" if isinstance(one, int) else f".{one}" for one in fault.instance_path
        )
        yield f"{fault.message[:200]} at {where.lstrip('.') or 'its top'}"


def _nothing(address: str) -> Json:
    raise ValueError(f"{address} is not part of the document")


def _at(document: Json, *names: str) -> Json:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


CHECK = Check(
    name="schema",
    shows="Answers are of the form that the server's own OpenAPI document declares.",
    findings=findings,
)

__all__ = ["CHECK", "broken", "judged"]
