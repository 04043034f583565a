"""Limits: what is very large or very deep is refused in form, and the server lives on."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.inference import batch_of, same
from sealift.check.protocol.refusal import chosen, refused
from sealift.check.protocol.rule import Fault, Seen, Spared, rest, rule
from sealift.check.protocol.server import Server
from sealift.check.protocol.tensor import flat
from sealift.types import Json

_SILENT = "; contradiction 7, nothing is said of sizes"
_LARGE = 8 << 20


@rule("must", rest("Inference Request JSON Object"))
def brackets_without_end(server: Server) -> Iterator[Seen]:
    """JSON that is nested a hundred thousand deep is no request, and refused."""
    yield from refused(server.infer(b'{"inputs":' + b"[" * 100_000))
    yield from refused(server.infer(b'{"inputs":' + b"[" * 5000 + b"]" * 5000 + b"}"))


@rule("unclear", rest("Inference Request JSON Object") + _SILENT)
def large_body(server: Server) -> Iterator[Seen]:
    """A body of 8 MiB may be taken or refused, and is answered in any case."""
    body = b'{"id": "' + b"x" * _LARGE + b'", "inputs": []}'
    yield from chosen("8 MiB", server.infer(body))


@rule("should", rest("Tensor Data") + _SILENT)
def many_rows(server: Server) -> Iterator[Seen]:
    """A batch of 2000 rows is answered, or refused in form."""
    body = batch_of(server, 2000)
    if body is None:
        yield Spared("the inputs have no dimension of rows")
        return
    answer = server.infer(body)
    if not answer.ok:
        yield from refused(answer)
    else:
        for name, output in ((one, flat(value)) for one, value in _data(answer.object).items()):
            if len(output) % 2000:
                yield Fault(f"{name!r} has {len(output)} elements for 2000 rows.", answer)


def _data(said: dict[str, Json]) -> dict[str, Json]:
    listed = said.get("outputs")
    return {
        str(one.get("name")): one.get("data")
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    }


@rule("unclear", rest("Request Input, shape") + _SILENT)
def no_rows(server: Server) -> Iterator[Seen]:
    """A batch of no rows, shape 0 and no data, may be taken or refused."""
    body = batch_of(server, 0)
    if body is None:
        yield Spared("the inputs have no dimension of rows")
    else:
        yield from chosen("no rows", server.infer(body))


@rule("should", rest("Inference Request JSON Object, id") + _SILENT)
def long_id(server: Server) -> Iterator[Seen]:
    """An id of ten thousand letters comes back whole, or is refused in form."""
    identifier = "x" * 10_000
    answer = server.infer(server.good(id=identifier))
    if not answer.ok:
        yield from refused(answer)
    elif answer.object.get("id") != identifier:
        yield Fault("It does not come back whole.", answer)


@rule("must", rest("table of definitions, Inference"))
def server_outlives_them(server: Server) -> Iterator[Seen]:
    """After all that is large and deep, a valid request is answered as before."""
    yield from same(server, server.infer(server.good()), "The valid request")


RULES = (
    brackets_without_end,
    large_body,
    many_rows,
    no_rows,
    long_id,
    server_outlives_them,
)

__all__ = ["RULES"]
