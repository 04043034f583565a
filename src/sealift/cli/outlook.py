"""What `sealift train` says without training: its plan, a picture of the steps, an audit."""

from __future__ import annotations

from pathlib import Path

from sealift.chapters import auditing, journey, reproducing
from sealift.cli.faults import refusal
from sealift.cli.options import project
from sealift.cli.output import Page, Work
from sealift.cli.reproduce import show
from sealift.errors import UsageError
from sealift.train.drawing.diagram import diagram
from sealift.train.drawing.mermaid import mermaid
from sealift.train.drawing.svg import svg
from sealift.wiring import Wired


def show_plan(wired: Wired, params: dict[str, str], *, json: bool) -> None:
    """What a run would do now, and why."""
    page = Page(as_json=json)
    with Work(told=True) as talk:
        foreseen = journey.outlook(wired, params=params, progress=talk)
    page.value(foreseen)
    page.table(
        ("step", "plan", "because"),
        [(one.name, one.action, one.because) for one in foreseen],
        empty="sealift.toml names no steps: they go under [steps.NAME]",
    )


def show_audit(wired: Wired, count: int, seed: int | None, *, json: bool) -> None:
    """Some cached steps, run again and compared."""
    page = Page(as_json=json)
    with Work(told=True) as talk:
        made = auditing.audit(wired, count, seed, talk)
    page.value({"audit": made, "reproduced": made.reproduced})
    show(page, made)
    reproducing.reproduced(made)
    steps = len({one.step for one in made.outputs})
    page.line(f"{steps} steps of run {made.run} gave again what the cache has", "good")


def draw(where: Path, target: str, *, json: bool) -> None:
    """The steps as a picture, or as the text that Mermaid draws."""
    wired, page = project(where), Page(as_json=json)
    drawing = diagram(wired.project)
    text = svg(drawing) if target.endswith(".svg") else mermaid(drawing)
    if target == "-":
        page.value(drawing)
        page.line(text.rstrip("\n"))
        return
    path = Path(target)
    if path.suffix not in (".svg", ".mmd"):
        raise UsageError(
            f"{target!r} names no kind of picture.", remedy="Write FILE.svg, FILE.mmd, or -."
        )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise refusal(error) from error
    page.value({"file": str(path), "nodes": len(drawing.nodes), "edges": len(drawing.edges)})
    page.line(f"the steps are drawn in {path}", "good")


__all__ = ["draw", "show_audit", "show_plan"]
