"""HTTP/REST and gRPC of one server say the same."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.rpc.inference import found_in
from sealift.check.protocol.rpc.learn import of_body
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Fault, Seen, Spared, grpc, rule
from sealift.check.protocol.tensor import alike

_SAME = grpc("first paragraph, the concepts are those of HTTP/REST")
_ALONE = Spared("the address of HTTP/REST is not known")
_CODES = {404: {"NOT_FOUND"}, 400: {"INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION"}}


@rule("should", _SAME)
def server_is_the_same(remote: Remote) -> Iterator[Seen]:
    """Both tell the same name and version of the server."""
    if remote.rest is None:
        yield _ALONE
        return
    for member in ("name", "version"):
        if remote.about.answer.get(member) != remote.rest.about.object.get(member):
            yield Fault(f"They tell another {member!r}.", remote.about)


@rule("should", _SAME)
def model_is_the_same(remote: Remote) -> Iterator[Seen]:
    """Both tell the same versions, platform and tensors of the model."""
    if remote.rest is None:
        yield _ALONE
        return
    pairs = {
        "platform": (remote.metadata.answer.get("platform", ""),
                     remote.rest.metadata.object.get("platform") or ""),
        "versions": ([*remote.versions], remote.rest.versions),
        "inputs": (remote.inputs, remote.rest.inputs),
        "outputs": (remote.outputs, remote.rest.outputs),
    }  # fmt: skip
    for member, (one, other) in pairs.items():
        if one != other:
            yield Fault(f"They tell other {member}: {one}, and {other} in REST.", remote.metadata)


@rule("must", _SAME)
def answers_are_the_same(remote: Remote) -> Iterator[Seen]:
    """Both answer the same request with the same outputs."""
    if remote.rest is None:
        yield _ALONE
        return
    call = remote.infer(remote.good(of_body(remote.rest.request)))
    found = found_in(call)
    if not call.ok or isinstance(found, Fault):
        yield Fault("gRPC does not answer what REST answers.", call)
        return
    for name, elements in remote.rest.known().items():
        one = found.get(name)
        got = [] if one is None else [
            each.decode(errors="replace") if isinstance(each, bytes) else each
            for each in one.elements
        ]  # fmt: skip
        if not alike(got, elements):
            yield Fault(f"{name!r} is another than in REST.", call)


@rule("should", _SAME)
def errors_are_the_same(remote: Remote) -> Iterator[Seen]:
    """Where REST answers 404, gRPC says NOT_FOUND, and INVALID_ARGUMENT for its 400."""
    if remote.rest is None:
        yield _ALONE
        return
    rest, first = remote.rest, remote.given[0]
    heads = [{**first.head, "name": "no_such_input"}]
    pairs = {
        "an unknown model": (
            rest.infer(rest.good(), "/v2/models/no-such-model"),
            remote.infer(remote.good(model_name="no-such-model")),
        ),
        "an unknown input": (
            rest.infer(rest.with_input(0, name="no_such_input")),
            remote.infer(remote.good([], inputs=heads, raw_input_contents=[first.raw])),
        ),
    }
    for words, (other, call) in pairs.items():
        if call.status not in _CODES.get(other.status, {call.status}):
            yield Fault(f"{words}: {other.status} in REST, {call.status} here.", call)


RULES = (server_is_the_same, model_is_the_same, answers_are_the_same, errors_are_the_same)

__all__ = ["RULES"]
