"""Raw requests: a body that is one tensor and nothing else, where a server has binary tensors."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.protocol.binary import LACKING, matches
from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.refusal import refused
from sealift.check.protocol.rule import Seen, Spared, extension, rule
from sealift.check.protocol.server import BINARY, LENGTH, Server
from sealift.check.protocol.tensor import flat, packed

_RAW = extension("binary tensor data", "Raw Binary Request")
_PREFIX = 4
"""Bytes of the length before a text, which a raw request leaves out."""


def _body(server: Server) -> bytes:
    """The bytes of the first input."""
    one = server.good_inputs()[0]
    blob = packed(flat(one.get("data")), str(one.get("datatype")))
    return blob[_PREFIX:] if one.get("datatype") == "BYTES" else blob


def _allowed(server: Server) -> bool:
    """Whether the shape of the tensor follows from its bytes: it is one text, or of one length."""
    one, *others = server.good_inputs()
    shape = next((it.shape for it in server.inputs if it.name == one.get("name")), ())
    texts = one.get("datatype") == "BYTES" and len(flat(one.get("data"))) > 1
    return not others and not texts and sum(size < 0 for size in shape) <= 1


@rule("must", _RAW)
def raw_request(server: Server) -> Iterator[Seen]:
    """With a length of 0 the body is the bytes of the one input; all outputs come in binary."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
    elif not _allowed(server):
        yield Spared("the model does not have one input of one shape")
    else:
        yield from matches(server, _asked(server), binary=True)


@rule("must", _RAW)
def raw_request_for_several_inputs(server: Server) -> Iterator[Seen]:
    """A raw request for a model with several inputs is refused: it has the bytes of one."""
    if "binary_tensor_data" not in server.extensions:
        yield LACKING
    elif len(server.good_inputs()) < 2:
        yield Spared("the model has one input")
    else:
        yield from refused(_asked(server))


def _asked(server: Server) -> Exchange:
    headers = {"content-type": BINARY, LENGTH: "0"}
    return server.ask("POST", f"{server.path}/infer", _body(server), headers)


RULES = (raw_request, raw_request_for_several_inputs)

__all__ = ["RULES"]
