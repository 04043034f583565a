"""What is to be drawn of a project: datasets, steps and the model, and what flows between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from sealift.record.command import text
from sealift.record.project import Project


class Node(msgspec.Struct, frozen=True):
    """Something in the picture, with a second line about it."""

    id: str
    kind: Literal["data", "step", "model"]
    name: str
    about: str = ""


class Edge(msgspec.Struct, frozen=True):
    """What flows from one node to another."""

    start: str
    end: str
    name: str = ""


class Diagram(msgspec.Struct, frozen=True):
    """Nodes and edges, in the order of the project file."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def diagram(project: Project) -> Diagram:
    """The picture of a project; datasets that no step reads are in it too."""
    return Diagram(tuple(_nodes(project)), tuple(_edges(project)))


def _nodes(project: Project) -> Iterator[Node]:
    for name, source in project.data.items():
        yield Node(f"data.{name}", "data", name, source.uri)
    for name, step in project.steps.items():
        shown = {key: [value] for key, value in step.params.items()} | step.matrix
        about = "; ".join(f"{key} = {', '.join(map(text, all_))}" for key, all_ in shown.items())
        yield Node(name, "step", name, about)
    if project.model is not None:
        yield Node("model", "model", f"{project.name}", project.model.task)


def _edges(project: Project) -> Iterator[Edge]:
    for name, step in project.steps.items():
        flows: dict[str, list[str]] = {}
        for read in step.reads:
            owner, _, output = read.partition(".")
            start, label = (read, "") if owner == "data" else (owner, output)
            flows.setdefault(start, []).append(label)
        for start, labels in flows.items():
            yield Edge(start, name, ", ".join(filter(None, labels)))
    if project.model is not None:
        flows = {}
        for read in dict.fromkeys((project.model.origin, project.model.table)):
            owner, _, output = read.partition(".")
            flows.setdefault(owner, []).append(output)
        for owner, labels in flows.items():
            yield Edge(owner, "model", ", ".join(labels))


__all__ = ["Diagram", "Edge", "Node", "diagram"]
