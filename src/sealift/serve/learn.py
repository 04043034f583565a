"""Learning: from a model and the table it was trained on to what travels with the model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sealift.errors import MachineError, PackageError, ProjectError
from sealift.record.contract import Contract, Golden
from sealift.record.profile import Profile
from sealift.record.project import FieldRule, ModelSettings, Task
from sealift.serve import fields, golden, log, outputs, program, table
from sealift.serve.answering import Answering
from sealift.serve.guard import legal
from sealift.serve.match import matched
from sealift.serve.model import load
from sealift.serve.program import FILE, Program, ProgramError
from sealift.serve.quota import cores
from sealift.serve.study import Study
from sealift.serve.table import Column
from sealift.serve.tensors import FIELD_TYPES, Array, Packer, Row, TensorInfo, sized


@dataclass(frozen=True)
class Learnt:
    """What travels with the model."""

    contract: Contract
    profile: Profile
    golden: Golden


@dataclass(frozen=True)
class _Known:
    """The contract as far as inputs go, their columns, and the column of the target.

    ``tolerance`` is what answers may differ by when requests are joined.
    """

    draft: Contract
    columns: Sequence[Column]
    target: Column
    task: Task
    tolerance: float


def learn(source: Path, target: Path) -> None:
    """Read ``model``, ``table`` and ``settings.json`` in ``source``; write ``contract.json``,
    ``profile.json`` and ``golden.json`` in ``target``.

    Raises the fitting ``SealiftError`` when model, table and settings do not go together.
    """
    model, settings = source / "model", _settings(source / "settings.json")
    if settings.predict:
        result = of_program(model, source / "table", settings)
    else:
        path = model / "model.onnx" if model.is_dir() else model
        result = learnt(path, source / "table", settings)
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
    known = _known(model.inputs, source, settings)
    others = [load(path, threads=threads) for threads in (1, 2, 4)]
    return _studied(model, others, known)


def of_program(folder: Path, source: Path, settings: ModelSettings) -> Learnt:
    """Learn from the program in the folder of a model and the CSV table at ``source``.

    Raises ``PackageError`` for a program that gives other answers when it is asked again.
    """
    try:
        return _of_program(folder, source, settings)
    except ProgramError as error:
        raise PackageError(
            f"The program fails when it is asked for a few rows alone: {error}",
            where=FILE,
            remedy="It must take any number of rows of the table.",
        ) from error
    except PackageError as error:
        if error.where != "model.onnx":
            raise
        raise PackageError(error.what, where=FILE, remedy=error.remedy) from error


def _of_program(folder: Path, source: Path, settings: ModelSettings) -> Learnt:
    loaded = program.opened(folder, target=settings.target, threads=cores())
    unread = (settings.target, *settings.ignore)
    inputs = [
        TensorInfo(name, loaded.wanted.get(name, datatype), (None,))
        for name, datatype in table.datatypes(source).items()
        if name not in unread
    ]
    program.check_wanted(loaded.wanted, [one.name for one in inputs])
    known = _known(inputs, source, settings)
    model = program.introduced(loaded, inputs, _first(inputs, known))
    found = _studied(model, [], known)
    again = Program(
        program.opened(folder, target=settings.target, threads=cores()), inputs, model.outputs
    )
    packer = Packer(found.contract, sized(inputs, found.contract))
    mismatch = golden.replay(again, packer, found.contract, found.golden)
    if mismatch is not None:
        raise PackageError(
            f"The program gives other answers when it is asked again: {mismatch}.",
            where=FILE,
            remedy="Give each row the answer that it has alone, and set the seeds of what is drawn "
            "at random.",
        )
    return found


def _first(inputs: Sequence[TensorInfo], known: _Known) -> dict[str, Array]:
    """The first row of the table that fits the draft, as the model's inputs."""

    def row(number: int) -> Row:
        return tuple(column.value(number) for column in known.columns)

    every = map(row, range(len(known.columns[0])))
    return Packer(known.draft, inputs).pack([next(filter(legal(known.draft), every), row(0))])


def _known(inputs: Sequence[TensorInfo], source: Path, settings: ModelSettings) -> _Known:
    matches = matched(inputs, table.header(source), settings)
    fields.check_rules(settings.fields, matches)
    kinds = {match.column: FIELD_TYPES[match.tensor.datatype] for match in matches}
    kinds[settings.target] = "float" if settings.task == "regression" else "string"
    columns = table.columns(source, kinds)
    target = columns.pop(settings.target)
    rules = settings.fields
    draft = Contract(
        task=settings.task,
        target=settings.target,
        fields=tuple(
            fields.learnt(match, columns[match.column], rules.get(match.column, FieldRule()))
            for match in matches
        ),
        outputs=(),
        prediction="",
    )
    return _Known(draft, list(columns.values()), target, settings.task, settings.batch_tolerance)


def _studied(model: Answering, others: Sequence[Answering], known: _Known) -> Learnt:
    answer = outputs.prediction(model.outputs, known.task)
    study = Study(model, msgspec.structs.replace(known.draft, prediction=answer), known.columns)
    return Learnt(
        contract=study.contract(known.target),
        profile=study.profile(known.target),
        golden=study.golden(others, known.tolerance),
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


__all__ = ["Learnt", "learn", "learnt", "of_program"]
