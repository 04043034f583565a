"""A diagram as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from sealift.train.drawing.diagram import Diagram, Edge, Node
from sealift.train.drawing.layout import GAP, LINE, Box, Point, cut, lay_out

_FILL = {"data": "#eef4fb", "step": "#ffffff", "model": "#eef7ee"}
_STROKE = {"data": "#4477aa", "step": "#444444", "model": "#337744"}
_STYLE = (
    "text{font-family:ui-sans-serif,system-ui,sans-serif;font-size:13px;fill:#222}"
    ".about,.flow{font-size:11px;fill:#667}"
    ".flow{text-anchor:end;paint-order:stroke;stroke:#fff;stroke-width:4px}"
)
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0 8 4 0 8z" fill="#889"/></marker></defs>'
)


def svg(drawing: Diagram) -> str:
    """The picture as a file of its own, without scripts or references to elsewhere."""
    layout = lay_out(drawing)
    width, height = layout.size
    size = f'width="{width:g}" height="{height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width:g} {height:g}">',
        f"<style>{_STYLE}</style>",
        _TIP,
        f'<rect {size} fill="#fff"/>',
        *(_arrow(way) for _, way in layout.ways),
        *(line for node in drawing.nodes for line in _shape(node, layout.boxes[node.id])),
        *(line for edge, way in layout.ways for line in _flow(edge, way)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _shape(node: Node, box: Box) -> Iterator[str]:
    corner = {"data": 3, "step": 5, "model": 25}[node.kind]
    whole = f"{node.name}: {node.about}" if node.about else node.name
    yield f"<g><title>{escape(whole)}</title>"
    yield (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" '
        f'rx="{corner:g}" fill="{_FILL[node.kind]}" stroke="{_STROKE[node.kind]}"/>'
    )
    left, top = box.x + 12, box.y + (box.height - LINE * (2 if node.about else 1)) / 2 + 13
    yield f'<text x="{left:g}" y="{top:g}">{escape(cut(node.name))}</text>'
    if node.about:
        text = escape(cut(node.about))
        yield f'<text class="about" x="{left:g}" y="{top + LINE:g}">{text}</text>'
    yield "</g>"


def _arrow(way: Sequence[Point]) -> str:
    bend = GAP[0] / 2
    path = f"M{way[0].x:g} {way[0].y:g}"
    for number, (old, new) in enumerate(pairwise(way)):
        if number % 2:
            path += f"L{new.x:g} {new.y:g}"
        else:
            path += f"C{old.x + bend:g} {old.y:g} {new.x - bend:g} {new.y:g} {new.x:g} {new.y:g}"
    return f'<path d="{path}" fill="none" stroke="#889" marker-end="url(#tip)"/>'


def _flow(edge: Edge, way: Sequence[Point]) -> Iterator[str]:
    if edge.name:
        end = way[-1]
        text = escape(cut(edge.name))
        yield f'<text class="flow" x="{end.x - 12:g}" y="{end.y - 3:g}">{text}</text>'


__all__ = ["svg"]
