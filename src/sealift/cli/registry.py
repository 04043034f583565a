"""What people say of models: show, alias, tag, note, history, and what the gates say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer

from sealift.chapters import naming, versions
from sealift.chapters.lineage import Lineage, Part, lineage
from sealift.cli.options import HERE, Json, Where, assignments, project, workplace
from sealift.cli.output import Page, moment, number
from sealift.digest import short
from sealift.errors import UsageError
from sealift.record.mark import Mark, Verdict
from sealift.record.model import Model
from sealift.wiring import Wired

Which = Annotated[
    str, typer.Argument(metavar="MODEL", help="Version or alias: 7, champion, NAME@champion.")
]
Why = Annotated[str, typer.Option("--why", help="Why; kept in the history.")]


def known(wired: Wired, word: str) -> Model:
    """The model that a word means."""
    return versions.pick(wired, versions.number(wired, word))


def show(which: Which, where: Where = HERE, json: Json = False) -> None:
    """Show one model: what it is called, what was said of it, what it was made of."""
    wired, page = project(where), Page(as_json=json)
    found = lineage(wired, known(wired, which))
    page.value(found)
    one = found.model
    page.line(f"model {one.name} {one.version}  {' '.join(found.aliases)}".rstrip(), "good")
    page.table(("record", ""), list(_facts(found)))
    for line in branches(found.tree):
        page.line(line)
    show_history(page, found.history, empty="")


def _facts(found: Lineage) -> Iterator[tuple[str, str]]:
    one, run = found.model, found.run
    yield "digest", short(one.digest)
    yield "created", moment(one.created)
    yield "metrics", "  ".join(f"{name} {number(value)}" for name, value in one.metrics.items())
    yield "why", one.comment or "-"
    if found.tags:
        yield "tags", spelled(found.tags)
    if run is not None:
        yield "run", f"{run.id} by {run.user} on {run.machine.host}"
    if found.parents:
        yield "parents", " ".join(found.parents)
    if found.images:
        yield "images", " ".join(short(image) for image in found.images)
    for note in found.notes:
        yield "note", f"{note.value} ({note.user}, {moment(note.created)})"


def branches(part: Part, indent: str = "", lead: str = "") -> Iterator[str]:
    """A tree as lines."""
    address = f"  {short(part.digest)}" if part.digest else ""
    about = f"  {part.about}" if part.about else ""
    yield f"{lead}{part.kind} {part.name}{address}{about}"
    for place, child in enumerate(part.made_of, start=1):
        last = place == len(part.made_of)
        own, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from branches(child, indent + below, indent + own)


def alias(
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="Such as champion.")],
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Version or another alias.")] = "",
    why: Why = "",
    remove: Annotated[bool, typer.Option("--remove", help="No model has it any more.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overrule gates that are missed; recorded, with --why.")
    ] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Let a model take an alias, if it meets the gates in sealift.toml.

    An alias belongs to one version, and moves there from the one that had it.
    """
    if remove == bool(model):
        raise UsageError(
            "Either a model takes the alias, or it is removed.",
            remedy=f"Write: sealift models alias {name} VERSION, or with --remove.",
        )
    wired, page = workplace(where), Page(as_json=json)
    if remove:
        mark = naming.take(wired, name, why=why)
        page.value(mark)
        page.line(f"no model is {name} any more; it was {mark.key}", "good")
        return
    version = known(wired, model).version
    before = versions.marks(wired).aliases.get(name)
    mark = naming.give(wired, name, version, why=why, force=force)
    page.value(mark)
    show_verdicts(page, mark.verdicts)
    forced = ", though it misses gates" if mark.forced else ""
    was = f"; before it was {before}" if before not in (None, version) else ""
    page.line(f"model {version} is {name}{forced}{was}", "warning" if forced else "good")


def gates(
    model: Which,
    name: Annotated[str, typer.Option("--alias", help="The alias whose gates are asked.")] = (
        naming.CHAMPION
    ),
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Say what the gates of an alias find in a model; nothing is changed."""
    wired, page = project(where), Page(as_json=json)
    version = known(wired, model).version
    verdicts = naming.examine(wired, name, version)
    page.value({"model": version, "alias": name, "verdicts": verdicts})
    show_verdicts(page, verdicts)
    if not verdicts:
        page.line(f"{name} has no gates: they go under [model.gates.{name}] in sealift.toml")
    naming.require(verdicts, name, version)


def show_verdicts(page: Page, verdicts: Sequence[Verdict]) -> None:
    """What gates found, for a person."""
    if verdicts:
        rows = [(one.gate, "pass" if one.passed else "MISS", one.found) for one in verdicts]
        page.table(("gate", "", "found"), rows)


def tag(
    model: Which,
    tags: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="NAME= removes it.")],
    why: Why = "",
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Give a model tags, such as stage=staging."""
    wired, page = workplace(where), Page(as_json=json)
    version = known(wired, model).version
    marks = naming.tag(wired, "model", version, assignments(tags), why)
    page.value(marks)
    page.line(f"model {version}: {spelled(versions.marks(wired).tags('model', version))}", "good")


def spelled(tags: Mapping[str, str]) -> str:
    """Tags as a person writes them."""
    return " ".join(f"{name}={value}" for name, value in tags.items()) or "no tags"


def note(
    model: Which,
    text: Annotated[str, typer.Argument(help="What to keep.")],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Keep a note about a model."""
    wired, page = workplace(where), Page(as_json=json)
    version = known(wired, model).version
    page.value(naming.say(wired, "model", version, "note", value=text))
    page.line(f"noted of model {version}", "good")


def history(
    model: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="Version or alias; all if absent.")
    ] = "",
    name: Annotated[str, typer.Option("--alias", help="Only of this alias.")] = "",
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Say who named, tagged and noted what, when and why; oldest first."""
    wired, page = project(where), Page(as_json=json)
    marks = versions.marks(wired)
    found = marks.of("model", known(wired, model).version) if model else marks.about("model")
    chosen = [one for one in found if not name or (one.kind, one.name) == ("alias", name)]
    page.value(chosen)
    show_history(page, chosen, empty="nothing was said of models yet")


def show_history(page: Page, marks: Sequence[Mark], *, empty: str) -> None:
    """Marks for a person, one a line."""
    if not marks and not empty:
        return
    page.table(
        ("when", "who", "model", "what", "why"),
        [
            (moment(one.created), f"{one.user} on {one.host}", one.key, worded(one), one.why)
            for one in marks
        ],
        empty=empty,
    )


def worded(mark: Mark) -> str:
    """What a mark says, in words."""
    if mark.kind == "note":
        return f"note: {mark.value}"
    if mark.kind == "parent":
        return f"comes from {mark.value}"
    if mark.value is None:
        return f"no longer {mark.kind} {mark.name}"
    if mark.kind == "tag":
        return f"tag {mark.name}={mark.value}"
    return f"is {mark.name}{', gates overruled' if mark.forced else ''}"


__all__ = ["alias", "gates", "history", "note", "show", "show_history", "spelled", "tag"]
