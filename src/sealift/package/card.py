"""The model and its data in a bill of materials: CycloneDX 1.6, machine-learning-model."""

from __future__ import annotations

from sealift.package.artifact import CODE
from sealift.package.making import Making
from sealift.record.contract import Contract, Field
from sealift.record.image import Layer
from sealift.record.model import Model, Origin
from sealift.record.run import Run
from sealift.types import Json


def model(made: Making) -> dict[str, Json]:
    """The model as a component: what it is for, how good it was, and what it was made from.

    Its digest is that of its artifact, whose layers are those of the image.
    """
    one = made.model
    card: dict[str, Json] = {
        "modelParameters": {
            "task": one.task,
            "datasets": [{"ref": _reference(name)} for name in sorted(made.run.snapshots)],
            "inputs": _columns(one.contract),
            "outputs": _outputs(one.contract),
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": name, "value": repr(value)} for name, value in sorted(one.metrics.items())
            ]
        },
    }
    places: list[Json] = [
        {"name": "sealift:layer", "value": str(layer.descriptor.digest)}
        for layer in made.image.layers
        if layer.role == "model"
    ]
    places += [
        {"name": "sealift:program", "value": str(layer.descriptor.digest)}
        for layer in made.image.layers
        if program(layer)
    ]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{one.name}@{one.version}",
        "name": one.name,
        "version": str(one.version),
        "hashes": [{"alg": "SHA-256", "content": one.digest.removeprefix("sha256:")}],
        "modelCard": card,
        "properties": [{"name": "sealift:run", "value": made.run.id}, *_origin(one), *places],
    }


def program(layer: Layer) -> bool:
    """Whether a layer holds a program of the user's own, which serves the model."""
    return layer.role == "model" and layer.holds == CODE


def _origin(one: Model) -> list[Json]:
    """What a converted model was made from and by what; the original is not in the image."""
    if (made := one.conversion) is None:
        return []
    tools = ", ".join(f"{name} {version}" for name, version in sorted(made.tools.items()))
    told = {"form": made.form, "digest": made.digest, "tools": tools}
    return [{"name": f"sealift:original:{name}", "value": text} for name, text in told.items()]


def brought(one: Model, origin: Origin) -> dict[str, Json]:
    """The model in an image of others as a component: its weights are somewhere in that image."""
    card: dict[str, Json] = {
        "modelParameters": {
            "task": one.task,
            "inputs": [*_columns(one.contract), *_tensors(one.contract)],
            "outputs": _outputs(one.contract),
        }
    }
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{one.name}@{one.version}",
        "name": one.name,
        "version": str(one.version),
        "hashes": [{"alg": "SHA-256", "content": one.digest.removeprefix("sha256:")}],
        "modelCard": card,
        "properties": [{"name": "sealift:brought", "value": origin.reference}],
    }


def _tensors(contract: Contract) -> list[Json]:
    """The inputs that no columns feed."""
    fed = {field.tensor for field in contract.fields}
    return [
        {"format": f"{one.name}: {one.dtype} {list(one.shape)}"}
        for one in contract.inputs
        if one.name not in fed
    ]


def datasets(run: Run) -> list[dict[str, Json]]:
    """The data that a run read, by the digests of its snapshots; none of it is in the image."""
    return [
        {
            "type": "data",
            "bom-ref": _reference(name),
            "name": name,
            "scope": "excluded",
            "hashes": [{"alg": "SHA-256", "content": pinned.digest.removeprefix("sha256:")}],
            "data": [{"type": "dataset", "name": name}],
            "properties": [
                {"name": "sealift:snapshot:uri", "value": pinned.uri},
                {"name": "sealift:snapshot:files", "value": str(len(pinned.entries))},
                {"name": "sealift:snapshot:bytes", "value": str(pinned.size)},
            ],
        }
        for name, pinned in sorted(run.snapshots.items())
    ]


def _reference(name: str) -> str:
    return f"data:{name}"


def _columns(contract: Contract) -> list[Json]:
    return [{"format": _input(field)} for field in contract.fields]


def _input(field: Field) -> str:
    """An input in words.

    >>> _input(Field(name="age", type="int", nullable=True, minimum=0, tensor="x", dtype="INT64"))
    'age: int or null, at least 0'
    """
    words = f"{field.name}: {field.type}{' or null' if field.nullable else ''}"
    if field.minimum is not None:
        words += f", at least {field.minimum:g}"
    if field.maximum is not None:
        words += f", at most {field.maximum:g}"
    if field.closed and field.categories is not None:
        words += f", one of {len(field.categories)} texts"
    return words


def _outputs(contract: Contract) -> list[Json]:
    return [{"format": f"{one.name}: {one.dtype} {list(one.shape)}"} for one in contract.outputs]


__all__ = ["brought", "datasets", "model", "program"]
