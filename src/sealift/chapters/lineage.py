"""Where a model comes from: step by step down to the data, and the run and the code behind it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.chapters import versions
from sealift.record.image import Image
from sealift.record.mark import Mark
from sealift.record.model import Model
from sealift.record.run import Run, StepRun
from sealift.types import Digest
from sealift.wiring import Wired

_DEEPEST = 64


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a model was made of: its digest, words about it, and what it was made of."""

    kind: str
    name: str
    digest: Digest | None = None
    about: str = ""
    made_of: tuple[Part, ...] = ()


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """A model with all that is known of it; ``run`` is None for one that was brought in."""

    model: Model
    aliases: tuple[str, ...]
    tags: dict[str, str]
    notes: tuple[Mark, ...]
    history: tuple[Mark, ...]
    images: tuple[Digest, ...]
    run: Run | None
    parents: tuple[str, ...]
    tree: Part


def lineage(wired: Wired, model: Model) -> Lineage:
    """Everything that the project knows of a model."""
    marks = versions.marks(wired)
    known = {run.id: run for run in wired.ledger.all(Run)}
    run = known.get(model.run or "")
    return Lineage(
        model=model,
        aliases=marks.aliases_of(model.version),
        tags=dict(marks.tags("model", model.version)),
        notes=marks.notes("model", model.version),
        history=marks.of("model", model.version),
        images=tuple(one.digest for one in wired.ledger.all(Image) if one.model == model.version),
        run=run,
        parents=marks.parents(run.id) if run else (),
        tree=Part(
            kind="model",
            name=f"{model.name} {model.version}",
            digest=model.digest,
            about=model.task,
            made_of=tuple(_parts(wired, model, run)),
        ),
    )


def _parts(wired: Wired, model: Model, run: Run | None) -> Iterator[Part]:
    if run is None:
        if model.origin is not None:
            name = model.origin.reference
            yield Part(kind="image", name=name, digest=model.origin.image, about="brought in")
        return
    settings = wired.project.model
    if settings is not None:
        for read in dict.fromkeys((settings.origin, settings.table)):
            yield _input(run, read, None, 0)
    yield Part(
        kind="code", name=run.code.commit or "no commit", digest=run.code.digest, about=_code(run)
    )
    yield Part(kind="image", name="of the steps", digest=run.image)


def _code(run: Run) -> str:
    changed = len(run.code.diff.splitlines())
    return f"{changed} lines of changes on top of the commit" if changed else ""


def _input(run: Run, read: str, known: Digest | None, depth: int) -> Part:
    """What a step read: data, or the output of a step, which was made of what that read."""
    owner, _, name = read.rpartition(".")
    if owner == "data":
        return _data(run, name, known)
    step = next((one for one in run.steps if one.name == owner), None)
    if step is None or depth > _DEEPEST:
        return Part(kind="output", name=read, digest=known)
    return Part(
        kind="output",
        name=read,
        digest=known or step.outputs.get(name),
        about=_step(run, step),
        made_of=tuple(_input(run, one, address, depth + 1) for one, address in step.inputs.items()),
    )


def _data(run: Run, name: str, known: Digest | None) -> Part:
    snapshot = run.snapshots.get(name)
    if snapshot is None:
        return Part(kind="data", name=name, digest=known)
    about = f"{len(snapshot.entries)} files, {snapshot.size:,} bytes"
    return Part(kind="data", name=name, digest=snapshot.digest, about=about)


def _step(run: Run, step: StepRun) -> str:
    params = run.params.get(step.name, {})
    return " ".join((step.command, *(f"[{k}={v}]" for k, v in params.items())))


__all__ = ["Lineage", "Part", "lineage"]
