"""What a server of others says of its model, by the Open Inference Protocol.

Sources: the protocol's REST API (``/v2/models/NAME``), and its extension for model repositories
(``POST /v2/repository/index``), which Triton and MLServer have; KServe lists at ``/v2/models``.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check.endpoint import described
from sealift.check.target import Target
from sealift.errors import CheckError, PackageError
from sealift.record.contract import Output
from sealift.record.from_image import FromImageSettings
from sealift.types import Json

_WHERE = "[from_image]"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """The model of a server: its name there, what goes in and what comes back."""

    name: str
    inputs: tuple[Output, ...]
    outputs: tuple[Output, ...]


def described_model(target: Target, settings: FromImageSettings, project: str) -> Described:
    """What the server says of its model, and what the project file says in its place.

    Raises ``PackageError`` when the model is not found or its inputs are not known.
    """
    name = settings.model or _found(target, project)
    said = _object(target, f"/v2/models/{name}")
    stated = tuple(
        Output(name=tensor, dtype=one.datatype, shape=tuple(one.shape))
        for tensor, one in settings.inputs.items()
    )
    inputs = stated or tuple(_tensors(said.get("inputs")))
    if not said and not stated:
        raise PackageError(
            f"The server does not describe a model {name!r}.",
            where=f"GET /v2/models/{name}",
            remedy="Name the model in [from_image] model. A server that speaks the Open Inference "
            "Protocol and describes nothing needs [from_image.inputs.NAME] too.",
        )
    if not inputs:
        raise PackageError(
            f"The server does not describe the inputs of the model {name!r}.",
            where=f"GET /v2/models/{name}",
            remedy="Write them: [from_image.inputs.NAME] with datatype = 'FP32', shape = [-1, 4].",
        )
    return Described(name=name, inputs=inputs, outputs=tuple(_tensors(said.get("outputs"))))


def _found(target: Target, project: str) -> str:
    listed = sorted(set(_listed(target)))
    if len(listed) == 1:
        return listed[0]
    if project in listed or _object(target, f"/v2/models/{project}"):
        return project
    if listed:
        raise PackageError(
            f"The server has several models: {', '.join(listed)}.",
            where=_WHERE,
            remedy="Write which: model = 'NAME'.",
        )
    raise PackageError(
        "The server does not say which model it has.",
        where=_WHERE,
        remedy="Write its name there: model = 'NAME'. It has to answer at /v2/models/NAME.",
    )


def _listed(target: Target) -> Iterator[str]:
    """The names of the models that a server lists, in whatever way it does."""
    for method, path, body in (
        ("POST", "/v2/repository/index", b"{}"),
        ("GET", "/v2/models", b""),
    ):
        try:
            answer = target.request(method, path, body)
            value = answer.json() if answer.status == 200 else None
        except CheckError:
            continue
        listed = value.get("models") if isinstance(value, dict) else value
        for one in listed if isinstance(listed, list) else []:
            name = one.get("name") if isinstance(one, dict) else one
            if isinstance(name, str) and name:
                yield name


def _object(target: Target, path: str) -> dict[str, Json]:
    """The JSON object at a path; empty where there is none."""
    try:
        answer = target.get(path)
        return answer.object() if answer.status == 200 else {}
    except CheckError:
        return {}


def _tensors(value: Json) -> Iterator[Output]:
    for name, dtype, shape in described(value):
        yield Output(name=name, dtype=dtype, shape=shape)


__all__ = ["Described", "described_model"]
