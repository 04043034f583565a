"""Inference: valid requests in every form that the specification allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.rule import Choice, Fault, Seen, Spared, rest, rule
from sealift.check.protocol.server import Server, elements, outputs
from sealift.check.protocol.tensor import DATATYPES, alike, fits, flat, folded, sizes
from sealift.types import Json


def same(server: Server, answer: Exchange, words: str) -> Iterator[Seen]:
    """The answer holds what the known good body was answered with."""
    if not answer.ok:
        yield Fault(f"{words} is refused.", answer)
        return
    given = elements(answer)
    for name, values in server.known().items():
        if not alike(given.get(name, []), values):
            yield Fault(f"{words} gives other values of {name!r}.", answer)


@rule("must", rest("Inference Response JSON Object"))
def answer_names_the_model(server: Server) -> Iterator[Seen]:
    """The answer is an object with the text "model_name", the model's own."""
    name = server.answer.object.get("model_name")
    if name != server.model:
        yield Fault(f"model_name is {name!r}.", server.answer)


@rule("must", rest("Inference Response JSON Object, model_version"))
def version_is_a_text(server: Server) -> Iterator[Seen]:
    """The version in an answer, if there is one, is a text; without versions there is none."""
    said = server.answer.object
    if said.get("model_version", "") is None:
        yield Fault("model_version is null, not left out.", server.answer, "should")
    elif not isinstance(said.get("model_version", ""), str):
        yield Fault("model_version is no text.", server.answer)


@rule("must", rest("Response Output"))
def outputs_are_whole(server: Server) -> Iterator[Seen]:
    """Each output has a name, a shape, a known datatype and data."""
    listed = server.answer.object.get("outputs")
    if not isinstance(listed, list) or not listed:
        yield Fault("There are no outputs.", server.answer)
        return
    for one in listed:
        output = one if isinstance(one, dict) else {}
        lacking = [name for name in ("name", "shape", "datatype", "data") if name not in output]
        if lacking:
            yield Fault(f"An output lacks {', '.join(lacking)}.", server.answer)
        elif output["datatype"] not in DATATYPES:
            yield Fault(f"{output['datatype']!r} is no datatype.", server.answer)


@rule("must", rest("Tensor Data; Response Output, shape"))
def data_fill_the_shape(server: Server) -> Iterator[Seen]:
    """Each output has as many elements as its shape says, of its datatype."""
    for name, output in outputs(server.answer).items():
        shape, datatype = sizes(output.get("shape")), str(output.get("datatype"))
        if shape is None:
            yield Fault(f"The shape of {name!r} is {output.get('shape')!r}.", server.answer)
            continue
        data = flat(output.get("data"))
        if len(data) != math.prod(shape):
            told = f"{name!r} has {len(data)} elements, not {math.prod(shape)}."
            yield Fault(told, server.answer)
        if not all(fits(element, datatype) for element in data):
            yield Fault(f"An element of {name!r} is no {datatype}.", server.answer)


@rule("must", rest("Inference Request JSON Object, outputs"))
def all_outputs_by_default(server: Server) -> Iterator[Seen]:
    """Without "outputs" in the request all outputs of the model come back."""
    if not server.outputs:
        yield Spared("the metadata have no outputs")
    lacking = {one.name for one in server.outputs} - outputs(server.answer).keys()
    if lacking:
        yield Fault(f"Missing: {', '.join(sorted(lacking))}.", server.answer)


@rule("must", rest("Request Output"))
def outputs_can_be_chosen(server: Server) -> Iterator[Seen]:
    """Of several outputs, those come back that the request names, and no others."""
    names = [*server.known()]
    if not names:
        yield Spared("no output is known")
        return
    answer = server.infer(server.good(outputs=[{"name": names[-1]}]))
    given = outputs(answer)
    if not answer.ok or names[-1] not in given:
        yield Fault(f"{names[-1]!r} was asked for and does not come.", answer)
    elif len(given) > 1:
        yield Fault("Outputs come that were not asked for.", answer)


@rule("must", rest("Tensor Data, flattened representation"))
def data_may_be_flat(server: Server) -> Iterator[Seen]:
    """Data given as one flat list in row-major order are taken."""
    inputs: list[Json] = [{**one, "data": flat(one.get("data"))} for one in server.good_inputs()]
    yield from same(server, server.infer(server.good(inputs=inputs)), "Flat data")


@rule("must", rest("Tensor Data, multi-dimensional representation"))
def data_may_be_nested(server: Server) -> Iterator[Seen]:
    """Data given as lists in lists, as the shape has them, are taken and mean the same."""
    inputs: list[Json] = []
    for one in server.good_inputs():
        shape = sizes(one.get("shape")) or []
        inputs.append({**one, "data": folded(flat(one.get("data")), shape)})
    yield from same(server, server.infer(server.good(inputs=inputs)), "Nested data")


@rule("should", rest("Request Input, name"))
def inputs_go_by_name(server: Server) -> Iterator[Seen]:
    """Inputs are told apart by their names, so their order means nothing."""
    if len(server.good_inputs()) < 2:
        yield Spared("the model has one input")
        return
    turned: list[Json] = [*reversed(server.good_inputs())]
    answer = server.infer(server.good(inputs=turned))
    yield from same(server, answer, "The same inputs in another order")


def batch_of(server: Server, rows: int) -> Mapping[str, Json] | None:
    """The good body with its first row this many times; None where its inputs have no rows."""
    inputs: list[Json] = []
    for one in server.good_inputs():
        shape, data = one.get("shape"), one.get("data")
        if not isinstance(shape, list) or shape[:1] != [1] or not isinstance(data, list):
            return None
        # flat or nested, a list of one row times so many is a list of so many
        inputs.append({**one, "shape": [rows, *shape[1:]], "data": data * rows})
    return server.good(inputs=inputs)


@rule("must", rest("Request Input; Response Output"))
def batches_are_whole(server: Server) -> Iterator[Seen]:
    """A batch of two rows is answered with the full shape and data of both."""
    body = batch_of(server, 2)
    declared = {one.name: one.shape for one in server.inputs}
    if body is None or not all(shape[:1] == (-1,) for shape in declared.values()):
        yield Spared("the inputs have no dimension of rows that varies")
        return
    answer = server.infer(body)
    if not answer.ok:
        yield Fault("A batch of two rows is refused.", answer)
        return
    given = elements(answer)
    for name, values in server.known().items():
        if not alike(given.get(name, []), [*values, *values]):
            yield Fault(f"{name!r} is not that of both rows.", answer)


@rule("unclear", rest("Parameters; contradiction 4"))
def kinds_of_parameters(server: Server) -> Iterator[Seen]:
    """The text knows parameters of three kinds, gRPC also whole and unsigned numbers."""
    kinds: dict[str, Json] = {"text": "a", "truth": True, "whole": 1, "fraction": 0.5}
    taken = []
    answer = server.answer
    for name, value in kinds.items():
        answer = server.infer(server.good(parameters={f"x_{name}": value}))
        taken.append(f"{name} {answer.status}")
    yield Choice("unknown parameters by kind: " + ", ".join(taken), answer)


@rule("should", rest("Parameters"))
def unknown_parameters_do_no_harm(server: Server) -> Iterator[Seen]:
    """A parameter that this server does not know, of a legal kind, does not fail the request."""
    answer = server.infer(server.good(parameters={"x_unknown": "a"}))
    if not answer.ok:
        yield Fault("It is refused.", answer)


RULES = (
    answer_names_the_model,
    version_is_a_text,
    outputs_are_whole,
    data_fill_the_shape,
    all_outputs_by_default,
    outputs_can_be_chosen,
    data_may_be_flat,
    data_may_be_nested,
    inputs_go_by_name,
    batches_are_whole,
    unknown_parameters_do_no_harm,
    kinds_of_parameters,
)

__all__ = ["RULES", "batch_of", "same"]
