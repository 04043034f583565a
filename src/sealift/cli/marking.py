"""What people say of runs: tags, notes, parents; and which run a word means."""

from __future__ import annotations

from typing import Annotated

import typer

from sealift.chapters import naming, versions
from sealift.cli.options import HERE, Json, Where, assignments, workplace
from sealift.cli.output import Page
from sealift.errors import UsageError
from sealift.record.run import Run
from sealift.wiring import Wired

Named = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or its beginning or end.")]


def find_run(wired: Wired, word: str) -> Run:
    """The run of this id, or the only one whose id begins or ends with ``word``.

    ``@ALIAS`` and ``NAME@ALIAS`` mean the run of that model.
    Raises ``NotFoundError`` for none, ``UsageError`` for several.
    """
    if "@" in word and (made := versions.pick(wired, versions.number(wired, word)).run):
        return wired.ledger.get(Run, made)
    ids = [run.id for run in wired.ledger.heads()]
    fitting = [one for one in ids if word and (one.startswith(word) or one.endswith(word))]
    if len(fitting) > 1 and word not in ids:
        raise UsageError(
            f"{len(fitting)} runs fit {word!r}.",
            remedy=f"Write more of the id, such as {fitting[-1]}.",
        )
    return wired.ledger.get(Run, fitting[0] if len(fitting) == 1 else word)


def tag(
    run: Named,
    tags: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="NAME= removes it.")],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Give a run tags; `runs --only tags.NAME=VALUE` finds it by them."""
    wired, page = workplace(where), Page(as_json=json)
    one = find_run(wired, run)
    page.value(naming.tag(wired, "run", one.id, assignments(tags)))
    named = versions.marks(wired).tags("run", one.id)
    page.line(
        f"run {one.id}: {' '.join(f'{k}={v}' for k, v in named.items()) or 'no tags'}", "good"
    )


def note(
    run: Named,
    text: Annotated[str, typer.Argument(help="What to keep.")],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Keep a note about a run."""
    wired, page = workplace(where), Page(as_json=json)
    one = find_run(wired, run)
    page.value(naming.say(wired, "run", one.id, "note", value=text))
    page.line(f"noted of run {one.id}", "good")


def parent(
    run: Named,
    of: Annotated[str, typer.Argument(metavar="PARENT", help="The run that it goes back to.")],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Say which run another one goes back to."""
    wired, page = workplace(where), Page(as_json=json)
    one, before = find_run(wired, run), find_run(wired, of)
    if one.id == before.id:
        raise UsageError("A run cannot go back to itself.", where=one.id)
    page.value(naming.say(wired, "run", one.id, "parent", value=before.id))
    page.line(f"run {one.id} goes back to {before.id}", "good")


__all__ = ["find_run", "note", "parent", "tag"]
