"""Where the nodes and edges of a diagram are drawn: in columns, from left to right.

The layers of Sugiyama, Tagawa and Toda (Methods for Visual Understanding of Hierarchical System
Structures, 1981): a node's column is the longest way to it, an edge that passes a column has a
place of its own there, and each column is sorted by the middle of what comes into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sealift.train.drawing.diagram import Diagram, Edge, Node

LETTER = 7.3
"""Width of a letter in units of the picture."""

LINE = 18.0
WIDE = 34
"""Letters of a line at most; the rest is cut."""

GAP = (96.0, 22.0)
"""Room between columns, and between the nodes of one."""

MARGIN = 20.0


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """Where a node is drawn, or an edge passes a column: the left upper corner and the size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Boxes of the nodes by id, and of each edge the points that it goes through."""

    boxes: dict[str, Box]
    ways: tuple[tuple[Edge, tuple[Point, ...]], ...]

    @property
    def size(self) -> Point:
        """How far the picture reaches."""
        ends = [Point(box.x + box.width, box.y + box.height) for box in self.boxes.values()]
        ends += [point for _, way in self.ways for point in way]
        return Point(
            max((end.x for end in ends), default=0) + MARGIN,
            max((end.y for end in ends), default=0) + MARGIN,
        )


def cut(text: str) -> str:
    """A text, short enough for a node.

    >>> len(cut("a" * 99))
    34
    """
    return text if len(text) <= WIDE else text[: WIDE - 1] + "…"


def lay_out(drawing: Diagram) -> Layout:
    """A place for everything; no node covers another, and no edge passes through one."""
    column = _columns(drawing)
    trails = [_trail(edge, column) for edge in drawing.edges]
    boxes: dict[str, Box] = {}
    x = MARGIN
    for number in range(max(column.values(), default=-1) + 1):
        nodes = {node.id: node for node in drawing.nodes if column[node.id] == number}
        stops = [stop for trail in trails for stop, at in trail if at == number]
        names = list(dict.fromkeys([*nodes, *stops]))
        names.sort(key=lambda name: _middle(name, trails, boxes))
        width = max((_width(node) for node in nodes.values()), default=0.0)
        y = MARGIN
        for name in names:
            node = nodes.get(name)
            height = _height(node, drawing) if node else LINE
            boxes[name] = Box(x, y, width, height)
            y += height + GAP[1]
        x += width + GAP[0]
    ways = tuple(
        (edge, tuple(_points(edge, trail, drawing, boxes)))
        for edge, trail in zip(drawing.edges, trails, strict=True)
    )
    return Layout({node.id: boxes[node.id] for node in drawing.nodes}, ways)


def _columns(drawing: Diagram) -> dict[str, int]:
    """The length of the longest way to each node; the diagram has no circle."""
    column = {node.id: 0 for node in drawing.nodes}
    for _ in drawing.nodes:
        for edge in drawing.edges:
            column[edge.end] = max(column[edge.end], column[edge.start] + 1)
    return column


Trail = list[tuple[str, int]]
"""The names of what an edge goes through, with their columns; its ends are nodes."""


def _trail(edge: Edge, column: dict[str, int]) -> Trail:
    between = range(column[edge.start] + 1, column[edge.end])
    return [
        (edge.start, column[edge.start]),
        *((f"{edge.start} > {edge.end} @{number}", number) for number in between),
        (edge.end, column[edge.end]),
    ]


def _middle(name: str, trails: Sequence[Trail], boxes: dict[str, Box]) -> float:
    before = [
        boxes[trail[number - 1][0]]
        for trail in trails
        for number, (stop, _) in enumerate(trail)
        if stop == name and number and trail[number - 1][0] in boxes
    ]
    return sum(box.y + box.height / 2 for box in before) / len(before) if before else 0.0


def _width(node: Node) -> float:
    return LETTER * max(len(cut(node.name)), 0.85 * len(cut(node.about))) + 24


def _height(node: Node, drawing: Diagram) -> float:
    lines = 2 if node.about else 1
    incoming = sum(edge.end == node.id for edge in drawing.edges)
    return LINE * max(lines, incoming) + 14


def _points(edge: Edge, trail: Trail, drawing: Diagram, boxes: dict[str, Box]) -> Iterator[Point]:
    """From the right side of its start, along what it passes, to a place of its own at its end."""
    start, end = boxes[edge.start], boxes[edge.end]
    yield Point(start.x + start.width, start.y + start.height / 2)
    for stop, _ in trail[1:-1]:
        box = boxes[stop]
        yield Point(box.x, box.y + box.height / 2)
        yield Point(box.x + box.width, box.y + box.height / 2)
    others = [other for other in drawing.edges if other.end == edge.end]
    others.sort(key=lambda other: boxes[other.start].y + boxes[other.start].height / 2)
    place = (others.index(edge) + 1) / (len(others) + 1)
    yield Point(end.x, end.y + end.height * place)


__all__ = ["GAP", "LINE", "Box", "Layout", "Point", "cut", "lay_out"]
