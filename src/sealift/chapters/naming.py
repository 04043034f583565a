"""The chapter of names: aliases of models behind their gates, tags and notes of models and runs."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping

import msgspec

from sealift import clock
from sealift.chapters import versions
from sealift.errors import CheckError, NotFoundError, UsageError
from sealift.record.gate import AliasGates
from sealift.record.mark import Kind, Mark, Subject, Verdict
from sealift.record.model import Model
from sealift.record.run import Run
from sealift.train import scores
from sealift.train.contest import Contender, judge
from sealift.train.machine import user
from sealift.train.scores import Scores
from sealift.wiring import Wired

CHAMPION = "champion"
"""The alias whose gates hold for a release too: it names what should serve."""
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_TAG = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")


def say(
    wired: Wired,
    subject: Subject,
    key: str | int,
    kind: Kind,
    *,
    name: str = "",
    value: str | None = "",
    why: str = "",
) -> Mark:
    """Keep what somebody says of a run or a model."""
    mark = _mark(subject, key, kind, name=name, value=value, why=why)
    wired.ledger.save(mark)
    return mark


def tag(
    wired: Wired, subject: Subject, key: str | int, tags: Mapping[str, str], why: str = ""
) -> list[Mark]:
    """Give tags; an empty value takes one away. Raises ``UsageError`` for a wrong name."""
    known = versions.marks(wired).tags(subject, key)
    for name, value in tags.items():
        if not _TAG.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name of a tag.",
                remedy="Write up to 63 letters, digits, and . _ -, beginning with a letter.",
            )
        if not value and name not in known:
            raise NotFoundError(
                f"The {subject} has no tag {name!r}.",
                remedy=f"It has: {', '.join(known) or 'none'}.",
            )
    return [
        say(wired, subject, key, "tag", name=name, value=value or None, why=why)
        for name, value in tags.items()
    ]


def give(wired: Wired, alias: str, version: int, *, why: str, force: bool = False) -> Mark:
    """Let a version take an alias, away from the one that has it, if its gates are met.

    Raises ``CheckError`` that names the gates that are missed, which ``force`` overrules, and
    ``UsageError`` for what cannot be an alias, or when it was overruled without a reason.
    """
    if not _ALIAS.fullmatch(alias):
        raise UsageError(
            f"{alias!r} cannot be an alias.",
            remedy="Write up to 63 letters, digits, _ and -, beginning with a letter.",
        )
    if force and not why:
        raise UsageError("Gates are overruled for a reason.", remedy='Say it: --why "...".')
    with wired.ledger.exclusive("models"):
        verdicts = examine(wired, alias, version)
        if not force:
            require(verdicts, alias, version)
        mark = msgspec.structs.replace(
            _mark("model", version, "alias", name=alias, why=why),
            verdicts=verdicts,
            forced=force and not all(one.passed for one in verdicts),
        )
        wired.ledger.save(mark)
    return mark


def take(wired: Wired, alias: str, *, why: str) -> Mark:
    """Take an alias away from the version that has it."""
    with wired.ledger.exclusive("models"):
        version = versions.holder(wired, alias)
        return say(wired, "model", version, "alias", name=alias, value=None, why=why)


def examine(wired: Wired, alias: str, version: int) -> tuple[Verdict, ...]:
    """What the gates of an alias say of a version; nothing where it has none."""
    settings = wired.project.model
    gates = settings.gates.get(alias) if settings else None
    if gates is None:
        return ()
    holder = versions.marks(wired).aliases.get(alias)
    old = None if holder is None else _contender(wired, holder, gates)
    return judge(gates, _contender(wired, version, gates), old)


def require(verdicts: tuple[Verdict, ...], alias: str, version: int) -> None:
    """Raises ``CheckError`` that names the gates that were missed."""
    missed = [f"{one.gate}: {one.found}" for one in verdicts if not one.passed]
    if missed:
        raise CheckError(
            f"Model {version} may not be {alias}: {'; '.join(missed)}.",
            where=f"sealift.toml: model.gates.{alias}",
            remedy=f"Train a better one; or overrule the gates, which is recorded: sealift models "
            f'alias {alias} {version} --force --why "...".',
        )


def fit_to_serve(wired: Wired, version: int) -> None:
    """Raises ``CheckError`` unless a version is the champion, or meets the gates of that alias."""
    if versions.marks(wired).aliases.get(CHAMPION) != version:
        require(examine(wired, CHAMPION, version), CHAMPION, version)


def _mark(
    subject: Subject,
    key: str | int,
    kind: Kind,
    *,
    name: str = "",
    value: str | None = "",
    why: str = "",
) -> Mark:
    return Mark(
        id=clock.identifier(),
        created=clock.now(),
        user=user(),
        host=platform.node(),
        subject=subject,
        key=str(key),
        kind=kind,
        name=name,
        value=value,
        why=why,
    )


def _contender(wired: Wired, version: int, gates: AliasGates) -> Contender:
    model = wired.ledger.get(Model, version)
    needed = bool(gates.slices) or any(one.score for one in gates.against.values())
    return Contender(version, model.metrics, _scores(wired, model) if needed else None)


def _scores(wired: Wired, model: Model) -> Scores | None:
    """What the model's run wrote of its rows; None where that is not kept here."""
    settings = wired.project.model
    if settings is None or model.run is None:
        return None
    step, _, name = settings.scores.partition(".")
    run = wired.ledger.get(Run, model.run)
    found = next((one.outputs.get(name) for one in run.steps if one.name == step), None)
    if found is None or not wired.store.has(found):
        return None
    return scores.read(wired.store.tree(found), f"output {settings.scores} of run {run.id}")


__all__ = [
    "CHAMPION",
    "examine",
    "fit_to_serve",
    "give",
    "require",
    "say",
    "tag",
    "take",
]
