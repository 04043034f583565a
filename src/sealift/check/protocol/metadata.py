"""Metadata: what the server and the model tell of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from sealift.check.protocol.refusal import refused
from sealift.check.protocol.rule import Choice, Fault, Seen, Spared, rest, rule
from sealift.check.protocol.server import Server, outputs
from sealift.check.protocol.tensor import DATATYPES, sizes
from sealift.types import Json

_ABSENT = "no-such-version"


@rule("must", rest("Server Metadata Response JSON Object"))
def server_metadata(server: Server) -> Iterator[Seen]:
    """GET v2 is answered with 200 and an object with the texts "name" and "version"."""
    answer = server.about
    if not answer.ok:
        yield Fault("It is not answered with 200.", answer)
        return
    for member in ("name", "version"):
        if not isinstance(answer.object.get(member), str):
            yield Fault(f"There is no text {member!r}.", answer)


@rule("must", rest("Server Metadata Response JSON Object, extensions"))
def server_extensions(server: Server) -> Iterator[Seen]:
    """The metadata of the server list its extensions as texts, an empty list if there are none."""
    listed = server.about.object.get("extensions")
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        yield Fault("There is no list of texts 'extensions'.", server.about)


@rule("must", rest("Model Metadata Response JSON Object"))
def model_metadata(server: Server) -> Iterator[Seen]:
    """GET v2/models/NAME is answered with 200 and an object with the model's own name."""
    answer = server.metadata
    if not answer.ok:
        yield Fault("It is not answered with 200.", answer)
    elif answer.object.get("name") != server.model:
        yield Fault("'name' is not the name of the model.", answer)


@rule("must", rest("Model Metadata Response JSON Object, platform"))
def model_platform(server: Server) -> Iterator[Seen]:
    """The metadata of a model have the text "platform"."""
    if not isinstance(server.metadata.object.get("platform"), str):
        yield Fault("There is no text 'platform'.", server.metadata)


@rule("should", rest("Platforms"))
def platform_form(server: Server) -> Iterator[Seen]:
    """A platform is named PROJECT_FORMAT, such as onnx_onnxv1."""
    platform = server.metadata.object.get("platform")
    if not isinstance(platform, str):
        yield Spared("no platform is told")
    elif "_" not in platform.strip("_"):
        yield Fault(f"The platform is {platform!r}.", server.metadata)


@rule("must", rest("Model Metadata Response JSON Object, metadata_tensor"))
def tensor_metadata(server: Server) -> Iterator[Seen]:
    """Each tensor in the metadata has a name, a known datatype, and a shape of whole numbers."""
    said = server.metadata.object
    listed = [*_list(said.get("inputs")), *_list(said.get("outputs"))]
    if not listed:
        yield Spared("the metadata have no tensors")
    for one in listed:
        tensor = one if isinstance(one, dict) else {}
        name, shape = tensor.get("name"), tensor.get("shape")
        if not isinstance(name, str):
            yield Fault("A tensor has no name.", server.metadata)
        if tensor.get("datatype") not in DATATYPES:
            datatype = tensor.get("datatype")
            yield Fault(f"{name!r} has the datatype {datatype!r}.", server.metadata)
        if sizes(shape, least=-1) is None:
            yield Fault(f"The shape of {name!r} is {shape!r}.", server.metadata)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


@rule("unclear", rest("Model Metadata Response JSON Object; contradiction 3"))
def tensors_are_told(server: Server) -> Iterator[Seen]:
    """The text demands inputs and outputs, the OpenAPI document only name and platform."""
    said = server.metadata.object
    told = [
        f"{len(_list(said.get(kind)))} {kind}" if kind in said else f"no member {kind!r}"
        for kind in ("inputs", "outputs")
    ]
    yield Choice(", ".join(told), server.metadata)


@rule("must", rest("Model Metadata Response JSON Object, inputs and outputs"))
def outputs_as_told(server: Server) -> Iterator[Seen]:
    """An answer has the outputs, datatypes and fixed dimensions that the metadata declare."""
    if not server.outputs:
        yield Spared("the metadata have no outputs")
    given = outputs(server.answer)
    for one in server.outputs:
        output = given.get(one.name)
        if output is None:
            yield Fault(f"The output {one.name!r} does not come.", server.answer)
            continue
        if output.get("datatype") != one.datatype:
            told = f"{output.get('datatype')!r}, not {one.datatype!r}"
            yield Fault(f"{one.name!r} has the datatype {told}.", server.answer)
        shape = _list(output.get("shape"))
        fits = len(shape) == len(one.shape) and all(
            told in (-1, size) for told, size in zip(one.shape, shape, strict=True)
        )
        if not fits:
            yield Fault(f"{one.name!r} has the shape {shape}, not {[*one.shape]}.", server.answer)


@rule("must", rest("Model Metadata Response JSON Object, versions"))
def versions_can_be_asked(server: Server) -> Iterator[Seen]:
    """Each version in the metadata can be asked for by its own path."""
    if not server.versions:
        yield Spared("the metadata name no versions")
    for version in server.versions[:3]:
        path = f"{server.path}/versions/{quote(version, safe='')}"
        for answer in (server.get(path), server.get(f"{path}/ready")):
            if not answer.ok:
                yield Fault(f"Version {version!r} does not answer.", answer)
        answer = server.infer(server.good(), path)
        if not answer.ok:
            yield Fault(f"Version {version!r} answers no inference.", answer)
        elif answer.object.get("model_version") not in (version, None):
            yield Fault(f"Version {version!r} says to be another.", answer)


@rule("unclear", rest("table of paths; contradiction 6"))
def path_without_version(server: Server) -> Iterator[Seen]:
    """The text makes the version in a path optional, the OpenAPI document has it in all."""
    bare = server.get(server.path)
    if not server.versions:
        yield Choice("paths without a version are answered; none is declared", bare)
    else:
        dated = server.get(f"{server.path}/versions/{quote(server.versions[0], safe='')}")
        told = f"without a version: {bare.status}, with one: {dated.status}"
        yield Choice(told, dated)


@rule("must", rest("Model Metadata Response JSON Error Object"))
def metadata_of_an_unknown_model(server: Server) -> Iterator[Seen]:
    """The metadata of a model that is not there get an error status and an error object."""
    yield from refused(server.get("/v2/models/no-such-model"))


@rule("must", rest("Model Metadata Response JSON Error Object"))
def metadata_of_an_unknown_version(server: Server) -> Iterator[Seen]:
    """The metadata of a version that is not there get an error status and an error object."""
    yield from refused(server.get(f"{server.path}/versions/{_ABSENT}"))


RULES = (
    server_metadata,
    server_extensions,
    model_metadata,
    model_platform,
    platform_form,
    tensor_metadata,
    tensors_are_told,
    outputs_as_told,
    versions_can_be_asked,
    path_without_version,
    metadata_of_an_unknown_model,
    metadata_of_an_unknown_version,
)

__all__ = ["RULES"]
