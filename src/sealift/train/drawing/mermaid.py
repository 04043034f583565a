"""A diagram as the text that Mermaid draws (mermaid.js.org, flowchart)."""

from __future__ import annotations

from sealift.train.drawing.diagram import Diagram

_SHAPES = {"data": ("[(", ")]"), "step": ("[", "]"), "model": ("([", "])")}


def mermaid(drawing: Diagram) -> str:
    """The text; names stand in quotes, so that none is taken for a word of the language."""
    number = {node.id: f"n{place}" for place, node in enumerate(drawing.nodes)}
    lines = ["flowchart LR"]
    for node in drawing.nodes:
        opening, closing = _SHAPES[node.kind]
        label = _text(node.name) + (f"<br/>{_text(node.about)}" if node.about else "")
        lines.append(f'    {number[node.id]}{opening}"{label}"{closing}')
    for edge in drawing.edges:
        arrow = f'-- "{_text(edge.name)}" -->' if edge.name else "-->"
        lines.append(f"    {number[edge.start]} {arrow} {number[edge.end]}")
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """A text with the characters that mean something to Mermaid as entities.

    >>> _text('a "b" <c>')
    'a #quot;b#quot; #lt;c#gt;'
    """
    marks = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "\n": " "}
    return "".join(marks.get(letter, letter) for letter in text)


__all__ = ["mermaid"]
