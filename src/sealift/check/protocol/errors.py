"""Errors: what is no request, or does not fit the model, gets an error object and no 5xx."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check.protocol.inference import same
from sealift.check.protocol.refusal import chosen, refused
from sealift.check.protocol.rule import Fault, Seen, Spared, rest, rule
from sealift.check.protocol.server import Server
from sealift.check.protocol.tensor import FORMATS, flat
from sealift.types import Json

_ERROR = rest("Inference Response JSON Error Object")
_REQUEST = rest("Inference Request JSON Object")
_INPUT = rest("Request Input")
_SILENT = "; contradiction 7, nothing is said"


@rule("must", _ERROR)
def unknown_model(server: Server) -> Iterator[Seen]:
    """An inference by a model that is not there gets an error status and an error object."""
    yield from refused(server.infer(server.good(), "/v2/models/no-such-model"))


@rule("must", _ERROR)
def unknown_version(server: Server) -> Iterator[Seen]:
    """An inference by a version that is not there gets an error status and an error object."""
    yield from refused(server.infer(server.good(), f"{server.path}/versions/no-such-version"))


@rule("must", rest("table of paths, Inference"))
def other_method(server: Server) -> Iterator[Seen]:
    """An inference that is asked for by GET is refused."""
    answer = server.get(f"{server.path}/infer")
    if answer.ok:
        yield Fault("It is taken as if it were right.", answer)
    elif answer.status >= 500 or not answer.status:
        yield Fault("A client's mistake is answered as the server's fault.", answer, "should")


@rule("must", _REQUEST)
def body_that_is_no_json(server: Server) -> Iterator[Seen]:
    """A body that is no JSON gets an error status and an error object."""
    text = msgspec.json.encode(server.good())
    for body in (text[:-2], b"hello", text + b"}", text.replace(b'"', b"'")):
        yield from refused(server.infer(body))


@rule("must", _REQUEST)
def body_that_is_empty(server: Server) -> Iterator[Seen]:
    """A request without a body gets an error status and an error object."""
    yield from refused(server.infer(b""))


@rule("must", _REQUEST)
def body_that_is_no_object(server: Server) -> Iterator[Seen]:
    """JSON that is no object gets an error status and an error object."""
    for body in (b"null", b"[]", b"7", b'"inputs"'):
        yield from refused(server.infer(body))


@rule("must", _REQUEST)
def body_that_is_not_utf8(server: Server) -> Iterator[Seen]:
    """Bytes that are no UTF-8 are no JSON (RFC 8259, 8.1)."""
    yield from refused(
        server.infer(b'{"id": "\xff\xfe", ' + msgspec.json.encode(server.good())[1:])
    )


@rule("must", _REQUEST)
def request_without_inputs(server: Server) -> Iterator[Seen]:
    """A request without "inputs", or with what is no list of them, is refused."""
    lacking = {name: value for name, value in server.good().items() if name != "inputs"}
    wrong: tuple[Json, ...] = (None, {}, "x", [1])
    for body in (lacking, *(server.good(inputs=value) for value in wrong)):
        yield from refused(server.infer(body))


@rule("must", _INPUT)
def input_with_missing_members(server: Server) -> Iterator[Seen]:
    """An input without a name, shape, datatype or data is refused."""
    first, *others = server.good_inputs()
    for member in ("name", "shape", "datatype", "data"):
        lacking: Json = {name: value for name, value in first.items() if name != member}
        yield from refused(server.infer(server.good(inputs=[lacking, *others])))


@rule("must", rest("Model Metadata Response JSON Object, inputs required by the model"))
def missing_input(server: Server) -> Iterator[Seen]:
    """A request that lacks an input of the model is refused."""
    if len(server.good_inputs()) == 1:
        yield from refused(server.infer(server.good(inputs=[])))
    else:
        inputs: list[Json] = [*server.good_inputs()[1:]]
        yield from refused(server.infer(server.good(inputs=inputs)))


@rule("must", rest("Tensor Data Types"))
def unknown_datatype(server: Server) -> Iterator[Seen]:
    """A datatype that is none is refused."""
    yield from refused(server.infer(server.with_input(0, datatype="FLOAT7")))


@rule("must", rest("Request Input, shape"))
def shape_that_is_none(server: Server) -> Iterator[Seen]:
    """A shape of negative numbers, fractions, texts, or no list is refused."""
    given = server.good_inputs()[0].get("shape")
    shape = given if isinstance(given, list) else [1]
    wrong: tuple[Json, ...] = ([-1, *shape[1:]], [0.5, *shape[1:]], ["x", *shape[1:]], "x", None)
    for value in wrong:
        yield from refused(server.infer(server.with_input(0, shape=value)))


@rule("must", rest("Request Input, shape"))
def shape_too_large_to_count(server: Server) -> Iterator[Seen]:
    """A shape whose elements nobody can count or hold is refused, and no memory is asked for."""
    for shape in ([2**62, 8], [2**32, 2**32], [2**31 - 1, 2**31 - 1]):
        yield from refused(server.infer(server.with_input(0, shape=[*shape])))


@rule("must", rest("Tensor Data, multi-dimensional representation"))
def ragged_data(server: Server) -> Iterator[Seen]:
    """Nested data whose rows differ in length are no tensor, and refused."""
    one = server.good_inputs()[0]
    element = flat(one.get("data"))[:1]
    ragged: list[Json] = [[*element, *element], [*element]]
    answer = server.infer(server.with_input(0, shape=[2, 2], data=ragged))
    yield from refused(answer)


@rule("must", rest("Tensor Data, coerce each element or return an error"))
def elements_of_another_kind(server: Server) -> Iterator[Seen]:
    """An element that cannot be made the datatype's is refused: a word or an object as a number."""
    for position, one in enumerate(server.good_inputs()):
        if one.get("datatype") in FORMATS:
            data = flat(one.get("data"))
            wrong: tuple[Json, ...] = ("word", {"a": 1})
            for value in wrong:
                broken: list[Json] = [value, *data[1:]]
                yield from refused(server.infer(server.with_input(position, data=broken)))
            return
    yield Spared("the model has no input of numbers")


@rule("should", rest("Tensor Data Types"))
def numbers_out_of_range(server: Server) -> Iterator[Seen]:
    """A whole number that its datatype cannot hold is refused, not cut down to another."""
    for position, one in enumerate(server.good_inputs()):
        if "INT" in str(one.get("datatype")):
            data = flat(one.get("data"))
            broken: list[Json] = [2**64, *data[1:]]
            yield from refused(server.infer(server.with_input(position, data=broken)))
            return
    yield Spared("the model has no input of whole numbers")


@rule("should", rest("Parameters"))
def parameters_that_are_none(server: Server) -> Iterator[Seen]:
    """A parameter is a text, a number or a truth: an object or a list is refused."""
    wrong: tuple[Json, ...] = ({"a": 1}, [1])
    for value in wrong:
        yield from refused(server.infer(server.good(parameters={"x_own": value})))
    yield from refused(server.infer(server.good(parameters=["x_own"])))


@rule("unclear", rest("Tensor Data; Inference Request Examples; contradiction 2"))
def more_or_fewer_elements(server: Server) -> Iterator[Seen]:
    """The example of the specification has one element for a shape of three."""
    data = flat(server.good_inputs()[0].get("data"))
    for words, broken in (("an element too many", [*data, data[0]]), ("one too few", data[:-1])):
        yield from chosen(words, server.infer(server.with_input(0, data=broken)))


@rule("unclear", _INPUT + _SILENT)
def other_datatype(server: Server) -> Iterator[Seen]:
    """A datatype that is not the model's may be converted or refused."""
    other = "INT32" if server.good_inputs()[0].get("datatype") != "INT32" else "FP64"
    yield from chosen("another datatype", server.infer(server.with_input(0, datatype=other)))


@rule("unclear", _REQUEST + _SILENT)
def unknown_members(server: Server) -> Iterator[Seen]:
    """Members that the schemas do not have may be ignored or refused."""
    yield from chosen("in the request", server.infer(server.good(x_unknown=1)))
    yield from chosen("in an input", server.infer(server.with_input(0, x_unknown=1)))


@rule("unclear", _INPUT + _SILENT)
def unknown_input(server: Server) -> Iterator[Seen]:
    """A further input that the model does not have may be ignored or refused."""
    first = server.good_inputs()[0]
    inputs: list[Json] = [*server.good_inputs(), {**first, "name": "no_such_input"}]
    yield from chosen("an unknown input", server.infer(server.good(inputs=inputs)))


@rule("unclear", _INPUT + _SILENT)
def repeated_input(server: Server) -> Iterator[Seen]:
    """The same input twice may be taken or refused."""
    inputs: list[Json] = [*server.good_inputs(), server.good_inputs()[0]]
    yield from chosen("an input twice", server.infer(server.good(inputs=inputs)))


@rule("unclear", rest("Request Output") + _SILENT)
def unknown_output(server: Server) -> Iterator[Seen]:
    """An output that the model does not have may be ignored or refused."""
    answer = server.infer(server.good(outputs=[{"name": "no_such_output"}]))
    yield from chosen("an unknown output", answer)


@rule("must", rest("table of definitions, Inference"))
def server_is_unharmed(server: Server) -> Iterator[Seen]:
    """After all these faults a valid request is answered as before."""
    yield from same(server, server.infer(server.good()), "The valid request")


RULES = (
    unknown_model,
    unknown_version,
    other_method,
    body_that_is_no_json,
    body_that_is_empty,
    body_that_is_no_object,
    body_that_is_not_utf8,
    request_without_inputs,
    input_with_missing_members,
    missing_input,
    unknown_datatype,
    shape_that_is_none,
    shape_too_large_to_count,
    ragged_data,
    elements_of_another_kind,
    numbers_out_of_range,
    parameters_that_are_none,
    more_or_fewer_elements,
    other_datatype,
    unknown_members,
    unknown_input,
    repeated_input,
    unknown_output,
    server_is_unharmed,
)

__all__ = ["RULES"]
