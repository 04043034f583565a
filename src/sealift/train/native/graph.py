"""An ONNX graph whose inputs are the columns of the table, by their names and types."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .table import Kind

WHOLE = "sealift_columns"
"""The name of the tensor that holds all columns, where a model takes one."""
PLAIN = 15
"""The version of ONNX's own operators in a graph that had none of them."""
_TYPES: dict[Kind, str] = {"int": "INT64", "bool": "BOOL", "string": "STRING"}


def columns(model: Any, kinds: Mapping[str, Kind], given: Mapping[str, str]) -> Any:
    """The model with one input of shape [rows, 1] for each column.

    ``given`` says in which type of ONNX's the graph takes each column: either all of them in the
    tensor ``WHOLE``, or each in an input with its column's name, as a converter spells it. Whole
    numbers and truth values come in as such and are converted; a column that nothing reads is no
    input.
    """
    onnx = importlib.import_module("onnx")
    graph = model.graph
    _free(graph, kinds)
    inner = {name: f"sealift_column_{number}" for number, name in enumerate(kinds)}
    nodes = [_entry(onnx, name, inner[name], kind, given[name]) for name, kind in kinds.items()]
    if any(one.name == WHOLE for one in graph.input):
        nodes.append(onnx.helper.make_node("Concat", list(inner.values()), [WHOLE], axis=1))
    else:
        spelled = {plain(name): inner[name] for name in kinds}
        _rename(graph, {one.name: spelled[plain(one.name)] for one in graph.input})
    kept = _used([*nodes, *graph.node], [one.name for one in graph.output])
    read = {name for node in kept for name in node.input}
    inputs = [_input(onnx, name, kind, given[name]) for name, kind in kinds.items() if name in read]
    del graph.node[:], graph.input[:]
    graph.node.extend(kept)
    graph.input.extend(inputs)
    graph.name = "model"
    for one in graph.output:
        if one.type.tensor_type.shape.dim:
            one.type.tensor_type.shape.dim[0].dim_param = "rows"
    if not any(one.domain == "" for one in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("", PLAIN))
    onnx.checker.check_model(model)
    return model


def plain(name: str) -> str:
    """A name as converters spell it.

    >>> plain("Body Mass (g)")
    'Body_Mass__g_'
    """
    return re.sub(r"\W", "_", name)


def _input(onnx: Any, name: str, kind: Kind, given: str) -> Any:
    kept = getattr(onnx.TensorProto, _TYPES.get(kind, given))
    return onnx.helper.make_tensor_value_info(name, kept, [None, 1])


def _entry(onnx: Any, name: str, target: str, kind: Kind, given: str) -> Any:
    if _TYPES.get(kind, given) == given:
        return onnx.helper.make_node("Identity", [name], [target])
    return onnx.helper.make_node("Cast", [name], [target], to=getattr(onnx.TensorProto, given))


def _free(graph: Any, names: Iterable[str]) -> None:
    """Give whatever inside is called like a column another name."""
    taken = {name for node in graph.node for name in node.output}
    taken |= {one.name for one in graph.initializer}
    _rename(graph, {name: f"{name}_out" for name in names if name in taken})


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Rename values of a graph and of the graphs inside its nodes."""
    for one in [*graph.output, *graph.initializer]:
        one.name = names.get(one.name, one.name)
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(name, name) for name in values]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)


def _used(nodes: Sequence[Any], outputs: Sequence[str]) -> list[Any]:
    """The nodes that an output depends on, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted |= _reads(node)
    return kept[::-1]


def _reads(node: Any) -> set[str]:
    found = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            found |= {name for inner in attribute.g.node for name in _reads(inner)}
            found |= {one.name for one in attribute.g.output}
    return found


__all__ = ["WHOLE", "columns", "plain"]
