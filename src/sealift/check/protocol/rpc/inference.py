"""Inference over gRPC: tensors typed and raw, outputs, batches, ids and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sealift.check.protocol.rpc.call import Call
from sealift.check.protocol.rpc.contents import Given, outputs
from sealift.check.protocol.rpc.refusal import chosen
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Choice, Fault, Seen, Spared, grpc, rule
from sealift.check.protocol.tensor import alike

_ONLY_RAW = Spared("an input of the model has no typed contents")


def same(remote: Remote, call: Call, words: str, times: int = 1) -> Iterator[Seen]:
    """The call must be answered as the good one was, or with each output so many times."""
    if not call.ok:
        yield Fault(f"{words}: not answered with OK.", call)
        return
    found = found_in(call)
    if isinstance(found, Fault):
        yield found
        return
    for name, one in remote.known().items():
        got = found.get(name)
        if got is None or not alike(got.elements, one.elements * times):
            yield Fault(f"{words}: {name!r} is another than before.", call)


def found_in(call: Call) -> Mapping[str, Given] | Fault:
    """The outputs of an answer, or why they are none."""
    try:
        return outputs(call.answer)
    except ValueError as error:
        return Fault(f"The outputs are none: {error}.", call, "must")


@rule("must", grpc("ModelInferResponse, model_name"))
def answer_names_the_model(remote: Remote) -> Iterator[Seen]:
    """An answer has the name of the model."""
    if remote.good_call.answer.get("model_name") != remote.model:
        yield Fault("It has another name or none.", remote.good_call)


@rule("must", grpc("InferTensorContents, sizes; raw_output_contents, sizes and order"))
def contents_fill_the_shape(remote: Remote) -> Iterator[Seen]:
    """Each output has as many elements as its shape, in the form of its datatype, in one way."""
    found = found_in(remote.good_call)
    if isinstance(found, Fault):
        yield found
    elif not found:
        yield Fault("There is no output.", remote.good_call)


@rule("must", grpc("InferInputTensor, contents"))
def typed_contents(remote: Remote) -> Iterator[Seen]:
    """Tensors in the contents that match their datatypes are taken."""
    if not remote.typed:
        yield _ONLY_RAW
        return
    yield from same(remote, remote.infer(remote.good(raw=False)), "Typed contents")


@rule("must", grpc("ModelInferRequest, raw_input_contents"))
def raw_contents(remote: Remote) -> Iterator[Seen]:
    """Tensors in raw_input_contents, in the order of the inputs, are taken and mean the same."""
    yield from same(remote, remote.infer(remote.good(raw=True)), "Raw contents")


@rule("unclear", grpc("ModelInferResponse, raw_output_contents; nothing says when"))
def form_of_the_answer(remote: Remote) -> Iterator[Seen]:
    """Whether a raw request has a raw answer, and a typed one a typed answer, is open."""
    forms = (False, True) if remote.typed else (True,)
    for raw in forms:
        call = remote.infer(remote.good(raw=raw))
        told = "raw" if call.answer.get("raw_output_contents") else "typed"
        asked = "raw" if raw else "typed"
        yield Choice(f"{asked}: {told if call.ok else call.status}", call)


@rule("must", grpc("ModelInferRequest, outputs"))
def all_outputs_by_default(remote: Remote) -> Iterator[Seen]:
    """Without outputs in the request all outputs of the model come back."""
    if not remote.outputs:
        yield Spared("the metadata have no outputs")
    names = {one.get("name") for one in remote.good_call.answer.get("outputs", [])}
    lacking = {one.name for one in remote.outputs} - names
    if lacking:
        yield Fault(f"Missing: {', '.join(sorted(lacking))}.", remote.good_call)


@rule("must", grpc("ModelInferRequest, outputs"))
def outputs_can_be_chosen(remote: Remote) -> Iterator[Seen]:
    """Of several outputs those come back that the request names, and no others."""
    names = [*remote.known()]
    if not names:
        yield Spared("no output is known")
        return
    call = remote.infer(remote.good(outputs=[{"name": names[-1]}]))
    told = [one.get("name") for one in call.answer.get("outputs", [])]
    if not call.ok or names[-1] not in told:
        yield Fault(f"{names[-1]!r} was asked for and does not come.", call)
    elif len(told) > 1:
        yield Fault("Outputs come that were not asked for.", call)


@rule("should", grpc("InferInputTensor, name"))
def inputs_go_by_name(remote: Remote) -> Iterator[Seen]:
    """Inputs are told apart by their names, so their order means nothing."""
    if len(remote.given) < 2:
        yield Spared("the model has one input")
        return
    turned = remote.good([*reversed(remote.given)])
    yield from same(remote, remote.infer(turned), "Another order of the inputs")


def rows(given: Sequence[Given], count: int) -> list[Given] | None:
    """Tensors of one row with so many; None where there are no rows."""
    if not all(one.shape[:1] == (1,) for one in given):
        return None
    return [
        replace(one, shape=(count, *one.shape[1:]), elements=one.elements * count) for one in given
    ]


@rule("must", grpc("InferInputTensor, shape; InferOutputTensor, shape"))
def batches_are_whole(remote: Remote) -> Iterator[Seen]:
    """A batch of two rows is answered with the full shape and data of both, typed and raw."""
    batch = rows(remote.given, 2)
    if batch is None or not all(one.shape[:1] == (-1,) for one in remote.inputs):
        yield Spared("the inputs have no dimension of rows that varies")
        return
    for raw in (False, True) if remote.typed else (True,):
        yield from same(remote, remote.infer(remote.good(batch, raw=raw)), "A batch of two rows", 2)


@rule("unclear", grpc("InferInputTensor, shape; nothing is said of no rows"))
def batch_of_no_rows(remote: Remote) -> Iterator[Seen]:
    """A batch without rows may be answered with outputs without rows, or refused."""
    batch = rows(remote.given, 0)
    if batch is None:
        yield Spared("the inputs have no dimension of rows that varies")
        return
    call = remote.infer(remote.good(batch))
    yield from chosen("no rows", call)
    found = found_in(call) if call.ok else {}
    if isinstance(found, Fault):
        yield found


@rule("must", grpc("ModelInferRequest, id"))
def id_comes_back(remote: Remote) -> Iterator[Seen]:
    """The id of a request comes back in the answer, letters of any alphabet too."""
    for name in ("grade-1", "Zoë 🛫 中"):
        call = remote.infer(remote.good(id=name))
        severity = None if name.isascii() else "should"
        if not call.ok or call.answer.get("id") != name:
            yield Fault(f"The id {name!r} does not come back.", call, severity)  # type: ignore[arg-type]


@rule("unclear", grpc("ModelInferResponse, id; contradiction 5"))
def id_when_none_was_given(remote: Remote) -> Iterator[Seen]:
    """An answer has the id "if one was specified"; REST demands one of every answer."""
    given = remote.good_call.answer.get("id", "")
    yield Choice("no id, none comes" if not given else "no id, one is made", remote.good_call)


@rule("should", grpc("Parameters"))
def unknown_parameters_do_no_harm(remote: Remote) -> Iterator[Seen]:
    """A parameter that the server does not know, as a text, does not fail the request."""
    call = remote.infer(remote.good(parameters={"x_unknown": {"string_param": "a"}}))
    if not call.ok:
        yield Fault("It is refused.", call)


@rule("unclear", grpc("Parameters, text and message; contradiction 4"))
def kinds_of_parameters(remote: Remote) -> Iterator[Seen]:
    """The text knows parameters of three kinds, the message in the file has five."""
    kinds: dict[str, Any] = {
        "bool_param": True,
        "int64_param": -1,
        "string_param": "a",
        "double_param": 0.5,
        "uint64_param": 2**63,
    }
    for kind, value in kinds.items():
        call = remote.infer(remote.good(parameters={"x_unknown": {kind: value}}))
        yield from chosen(kind, call)


@rule("should", grpc("ModelInfer"))
def same_again(remote: Remote) -> Iterator[Seen]:
    """The same request has the same answer again."""
    for _ in range(2):
        yield from same(remote, remote.infer(remote.good()), "The same request")


RULES = (
    answer_names_the_model,
    contents_fill_the_shape,
    typed_contents,
    raw_contents,
    form_of_the_answer,
    all_outputs_by_default,
    outputs_can_be_chosen,
    inputs_go_by_name,
    batches_are_whole,
    batch_of_no_rows,
    id_comes_back,
    id_when_none_was_given,
    unknown_parameters_do_no_harm,
    kinds_of_parameters,
    same_again,
)

__all__ = ["RULES", "found_in", "rows", "same"]
