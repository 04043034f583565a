"""What a run hands over as its model: looked at before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sealift import digest
from sealift.errors import PackageError
from sealift.formats.evidence import Finding
from sealift.formats.frameworks import Form, form
from sealift.formats.refusal import refuse
from sealift.formats.scan import scan
from sealift.ports import Store
from sealift.record.project import ModelSettings
from sealift.record.run import Run
from sealift.train.told import WEIGHTS
from sealift.types import Digest

CONVERTED = ("pickle", "skops", "xgboost", "lightgbm")
"""The forms of models that are converted to ONNX."""


@dataclass(frozen=True)
class Native:
    """A model in the form of its own framework, as a read-only file."""

    path: Path
    name: str
    form: Form
    digest: Digest


@dataclass(frozen=True)
class Admitted:
    """An output that is a model: a read-only file or folder.

    ``native`` is what there is instead of an ONNX model, None where there is one. ``allowed`` are
    the files in it that run code and are allowed to.
    """

    source: Path
    native: Native | None
    allowed: tuple[Finding, ...]


def admit(
    run: Run, settings: ModelSettings, path: str, program: Mapping[str, Path], *, store: Store
) -> Admitted:
    """The output that is the model; ``path`` is where its step wrote it.

    Nothing is converted where a ``program`` loads it, whose files are looked at too.

    Raises ``PackageError`` when a file in it would run code when it is loaded and the project file
    does not allow its digest, and when it is of a framework whose models are not converted.
    """
    source = store.tree(output(run, settings.origin))
    called = PurePosixPath(path).name
    findings = scan(source, called=called)
    for name, file in program.items():
        findings += scan(file, called=name)
    where = f"output {settings.origin}"
    refuse(findings, settings.allow, where=where)
    native = None if program else _native(source, called, findings, where)
    return Admitted(source, native, tuple(findings))


def _native(source: Path, called: str, findings: Sequence[Finding], where: str) -> Native | None:
    if source.is_dir() and (source / WEIGHTS).exists():
        return None
    known = {one.path: one for one in findings}
    named = {path: path.relative_to(source).as_posix() for path in digest.walk(source)}
    if source.is_file():
        named = {source: called}
    forms = {path: form(path, known.get(name)) for path, name in named.items() if path.is_file()}
    models = [path for path, one in forms.items() if one in CONVERTED]
    if len(models) > 1:
        listed = ", ".join(sorted(named[path] for path in models))
        raise PackageError(
            f"The output holds several models: {listed}.",
            where=where,
            remedy=f"Write one of them alone, or export it to ONNX as {WEIGHTS}.",
        )
    if not models:
        _refuse_others(forms, named, where)
        return None
    path = models[0]
    return Native(path, named[path], forms[path], digest.of_file(path))


def _refuse_others(forms: dict[Path, Form], named: dict[Path, str], where: str) -> None:
    other = next((path for path, one in forms.items() if one in ("torch", "keras")), None)
    if other is not None:
        raise PackageError(
            f"{named[other]} is a model of {forms[other].capitalize()}, which is not converted.",
            where=where,
            remedy=f"Let the step export it to ONNX as {WEIGHTS}, or load it in a program of your "
            "own, [model] predict; docs/your-model.md shows both.",
        )


def output(run: Run, reference: str) -> Digest:
    """The content of an output of a run, which ``STEP.OUTPUT`` names."""
    step, _, name = reference.partition(".")
    return next(one.outputs[name] for one in run.steps if one.name == step)


__all__ = ["Admitted", "Native", "admit", "output"]
