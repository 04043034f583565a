"""The server is where it was told to be, and describes the model as the contract does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from sealift.check.answer import Answer
from sealift.check.bodies import tensors
from sealift.check.check import Check, error
from sealift.check.target import Target
from sealift.record.report import Finding
from sealift.types import Json

Tensor: TypeAlias = tuple[str, str, tuple[int, ...]]
"""Name, datatype and shape."""


def findings(target: Target) -> Iterator[Finding]:
    """Read the server's and the model's metadata, and knock at doors that are not there."""
    model = target.subject.model
    server = answered(target, "/v2")
    for key, kind in (("name", str), ("version", str), ("extensions", list)):
        if not isinstance(server.get(key), kind):
            yield error(f"The server's metadata lacks {key!r}.", place="GET /v2")
    for path in (f"/v2/models/{model.name}", f"/v2/models/{model.name}/versions/{model.version}"):
        yield from describes(target, path)
    yield from says_no(target.get(f"/v2/models/{model.name}-other"), 404)
    yield from says_no(target.get("/no-such-page"), 404)
    yield from says_no(target.get("/predict"), 405)


def answered(target: Target, path: str) -> dict[str, Json]:
    """The JSON object at a path, if it is answered with 200; else an empty one."""
    answer = target.get(path)
    return answer.object() if answer.status == 200 else {}


def describes(target: Target, path: str) -> Iterator[Finding]:
    """The model's metadata agree with the contract."""
    subject = target.subject
    contract = subject.contract
    said = answered(target, path)
    versions = said.get("versions")
    if said.get("name") != subject.model.name:
        yield error(f"The model is not called {subject.model.name!r} there.", place=f"GET {path}")
    if not isinstance(versions, list) or str(subject.model.version) not in versions:
        yield error(f"Version {subject.model.version} is not listed.", place=f"GET {path}")
    if not isinstance(said.get("platform"), str):
        yield error("The metadata lacks 'platform'.", place=f"GET {path}")
    inputs = [(name, dtype, (-1, len(fields))) for name, dtype, fields in tensors(contract)]
    outputs = [(output.name, output.dtype, output.shape) for output in contract.outputs]
    for side, expected in (("inputs", inputs), ("outputs", outputs)):
        for sentence in unlike(expected, described(said.get(side))):
            yield error(
                f"Among the {side} {sentence}.",
                place=f"GET {path}",
                remedy="The image's model and contract do not belong together: train again.",
            )


def described(value: Json) -> list[Tensor]:
    """Tensor metadata as name, datatype and shape; entries without these are left out."""
    found = []
    for entry in value if isinstance(value, list) else []:
        if not isinstance(entry, dict):
            continue
        name, dtype, shape = (entry.get(key) for key in ("name", "datatype", "shape"))
        if isinstance(name, str) and isinstance(dtype, str) and isinstance(shape, list):
            found.append((name, dtype, tuple(size for size in shape if isinstance(size, int))))
    return found


def unlike(expected: Sequence[Tensor], found: Sequence[Tensor]) -> Iterator[str]:
    """What differs between the contract's tensors and the server's, in words.

    >>> list(unlike([("x", "FP32", (-1, 1))], [("x", "FP32", (-1,)), ("y", "BOOL", (-1,))]))
    ["'y' is not in the contract"]
    >>> list(unlike([("x", "FP32", (-1, 2))], [("x", "FP64", (-1, 3))]))
    ["'x' is FP64 of shape [-1, 3], not FP32 of shape [-1, 2]"]
    """
    there = {tensor[0]: tensor for tensor in found}
    for name, dtype, shape in expected:
        if name not in there:
            yield f"{name!r} is missing"
            continue
        _, kind, form = there[name]
        if kind != dtype or not same_shape(shape, form):
            yield (f"{name!r} is {kind} of shape {list(form)}, not {dtype} of shape {list(shape)}")
    for name in sorted(set(there) - {tensor[0] for tensor in expected}):
        yield f"{name!r} is not in the contract"


def same_shape(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes agree: -1 is any size, and a last dimension of 1 may be left out."""
    first, second = (
        shape[:-1] if shape[1:] == (1,) else shape for shape in map(tuple, (one, other))
    )
    return len(first) == len(second) and all(
        a == b or -1 in (a, b) for a, b in zip(first, second, strict=True)
    )


def says_no(answer: Answer, status: int) -> Iterator[Finding]:
    """The answer has this status and tells why in an error object."""
    if answer.status != status:
        yield error(f"It answered {answer.status}, not {status}.", place=answer.place)
    elif not isinstance(answer.object().get("error"), str):
        yield error("The answer has no 'error' text.", place=f"{answer.place}: {answer.text}")


CHECK = Check(
    name="endpoint",
    shows="It listens on the port it was given and describes the model as the contract does.",
    findings=findings,
)

__all__ = ["CHECK", "described", "same_shape", "says_no", "unlike"]
