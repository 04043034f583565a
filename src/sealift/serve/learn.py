"""Learning: from a model and the table it was trained on to what travels with the model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sealift.errors import MachineError, ProjectError
from sealift.record.contract import Contract, FieldType, Golden
from sealift.record.profile import Profile
from sealift.record.project import FieldRule, ModelSettings
from sealift.serve import fields, log, outputs, table
from sealift.serve.match import Match, matched
from sealift.serve.model import Model, load
from sealift.serve.quota import cores
from sealift.serve.study import Study
from sealift.serve.table import Column
from sealift.serve.tensors import FIELD_TYPES


@dataclass(frozen=True)
class Learnt:
    """What travels with the model."""

    contract: Contract
    profile: Profile
    golden: Golden


def learn(source: Path, target: Path) -> None:
    """Read ``model``, ``table`` and ``settings.json`` in ``source``; write ``contract.json``,
    ``profile.json`` and ``golden.json`` in ``target``.

    Raises the fitting ``SealiftError`` when model, table and settings do not go together.
    """
    model = source / "model"
    path = model / "model.onnx" if model.is_dir() else model
    result = learnt(path, source / "table", _settings(source / "settings.json"))
    _write(target / "contract.json", result.contract)
    _write(target / "profile.json", result.profile)
    _write(target / "golden.json", result.golden)
    log.event(
        "learnt",
        fields=len(result.contract.fields),
        rows=result.profile.rows,
        vectors=len(result.golden.rows),
        tolerance=result.golden.tolerance,
    )


def learnt(path: Path, source: Path, settings: ModelSettings) -> Learnt:
    """Learn from the ONNX file at ``path`` and the CSV table at ``source``."""
    model = load(path, threads=cores())
    matches = matched(model.inputs, table.header(source), settings)
    fields.check_rules(settings.fields, matches)
    kinds: dict[str, FieldType] = {
        match.column: FIELD_TYPES[match.tensor.datatype] for match in matches
    }
    kinds[settings.target] = "float" if settings.task == "regression" else "string"
    columns = table.columns(source, kinds)
    target = columns.pop(settings.target)
    study = Study(model, _draft(model, matches, columns, settings), list(columns.values()))
    return Learnt(
        contract=study.contract(target),
        profile=study.profile(target),
        golden=study.golden([load(path, threads=threads) for threads in (1, 2, 4)]),
    )


def _draft(
    model: Model, matches: Sequence[Match], columns: dict[str, Column], settings: ModelSettings
) -> Contract:
    rules = settings.fields
    return Contract(
        task=settings.task,
        target=settings.target,
        fields=tuple(
            fields.learnt(match, columns[match.column], rules.get(match.column, FieldRule()))
            for match in matches
        ),
        outputs=(),
        prediction=outputs.prediction(model.outputs, settings.task),
    )


def _settings(path: Path) -> ModelSettings:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ModelSettings)
    except OSError as error:
        raise ProjectError(
            f"The settings cannot be read: {error.strerror}.", where=str(path)
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProjectError(f"The settings are wrong: {error}.", where=str(path)) from error


def _write(path: Path, record: Contract | Profile | Golden) -> None:
    draft = path.with_suffix(".draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as stream:
            stream.write(msgspec.json.encode(record))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as error:
        raise MachineError(f"{path.name} cannot be written: {error}.", where=str(path)) from error


__all__ = ["Learnt", "learn", "learnt"]
