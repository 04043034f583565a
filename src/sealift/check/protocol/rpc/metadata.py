"""Metadata over gRPC: what the server and the model tell of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sealift.check.protocol.rpc.refusal import refused
from sealift.check.protocol.rpc.remote import Remote
from sealift.check.protocol.rule import Choice, Fault, Seen, Spared, grpc, rule
from sealift.check.protocol.tensor import DATATYPES


@rule("must", grpc("Server Metadata"))
def server_metadata(remote: Remote) -> Iterator[Seen]:
    """ServerMetadata is answered with OK, a name and a version."""
    if not remote.about.ok:
        yield Fault("It is not answered with OK.", remote.about)
        return
    for member in ("name", "version"):
        if not remote.about.answer.get(member):
            yield Fault(f"There is no {member!r}.", remote.about)


@rule("must", grpc("Model Metadata"))
def model_metadata(remote: Remote) -> Iterator[Seen]:
    """ModelMetadata is answered with OK and the model's own name."""
    if not remote.metadata.ok:
        yield Fault("It is not answered with OK.", remote.metadata)
    elif remote.metadata.answer.get("name") != remote.model:
        yield Fault("'name' is not the name of the model.", remote.metadata)


@rule("should", grpc("Platforms"))
def platform_form(remote: Remote) -> Iterator[Seen]:
    """A platform is told, and named PROJECT_FORMAT, such as onnx_onnxv1."""
    platform = str(remote.metadata.answer.get("platform", ""))
    if "_" not in platform.strip("_"):
        yield Fault(f"The platform is {platform!r}.", remote.metadata)


@rule("must", grpc("Model Metadata, TensorMetadata"))
def tensor_metadata(remote: Remote) -> Iterator[Seen]:
    """Each tensor in the metadata has a name, a known datatype, and sizes from -1."""
    said = remote.metadata.answer
    listed: list[dict[str, Any]] = [*said.get("inputs", []), *said.get("outputs", [])]
    if not listed:
        yield Spared("the metadata have no tensors")
    for one in listed:
        if not one.get("name"):
            yield Fault("A tensor has no name.", remote.metadata)
        if one.get("datatype") not in DATATYPES:
            yield Fault(f"{one.get('datatype')!r} is no datatype.", remote.metadata)
        if min(one.get("shape", []), default=0) < -1:
            yield Fault(f"{one.get('shape')} is no shape.", remote.metadata)


@rule("must", grpc("Model Metadata, TensorMetadata; ModelInferResponse, outputs"))
def outputs_as_told(remote: Remote) -> Iterator[Seen]:
    """Outputs have the datatypes and shapes that the metadata tell."""
    known = remote.known()
    if not remote.outputs or not known:
        yield Spared("the metadata have no outputs" if known else "no output is known")
    for told in remote.outputs:
        one = known.get(told.name)
        if one is None:
            continue
        if one.datatype != told.datatype:
            yield Fault(f"{told.name!r} is {one.datatype}, not {told.datatype}.", remote.good_call)
        # servers that batch may leave the dimension of rows out of their metadata
        sizes = one.shape[-len(told.shape) :] if told.shape else ()
        if len(sizes) != len(told.shape) or any(
            size not in (-1, got) for size, got in zip(told.shape, sizes, strict=True)
        ):
            yield Fault(f"{told.name!r} has another shape than told.", remote.good_call)


@rule("must", grpc("Model Metadata, version"))
def versions_can_be_asked(remote: Remote) -> Iterator[Seen]:
    """Each version that the metadata name has metadata and answers requests."""
    if not remote.versions:
        yield Spared("the model tells no versions")
    for version in remote.versions[:2]:
        for call in (
            remote.ask("ModelMetadata", name=remote.model, version=version),
            remote.infer(remote.good(model_version=version)),
        ):
            if not call.ok:
                yield Fault(f"Version {version!r} is not answered.", call)


@rule("must", grpc("Model Metadata, errors by the status"))
def metadata_of_an_unknown_model(remote: Remote) -> Iterator[Seen]:
    """The metadata of a model that is not there are an error, best NOT_FOUND."""
    yield from refused(remote.ask("ModelMetadata", name="no-such-model"), "NOT_FOUND")


@rule("must", grpc("Model Metadata, errors by the status"))
def metadata_of_an_unknown_version(remote: Remote) -> Iterator[Seen]:
    """The metadata of a version that is not there are an error, best NOT_FOUND."""
    call = remote.ask("ModelMetadata", name=remote.model, version="987654321")
    yield from refused(call, "NOT_FOUND")


@rule("unclear", grpc("Model Metadata; contradiction 3"))
def tensors_in_metadata(remote: Remote) -> Iterator[Seen]:
    """Whether a model must list its inputs and outputs: a message has no required members."""
    told = "inputs and outputs" if remote.inputs and remote.outputs else "not all tensors"
    yield Choice(f"it lists {told}", remote.metadata)


RULES = (
    server_metadata,
    model_metadata,
    platform_form,
    tensor_metadata,
    outputs_as_told,
    versions_can_be_asked,
    metadata_of_an_unknown_model,
    metadata_of_an_unknown_version,
    tensors_in_metadata,
)

__all__ = ["RULES"]
