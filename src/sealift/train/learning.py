"""From a run's model and table to what travels with the model: contract, profile, golden vectors.

The learning runs in a container of the serving image, with the packages that will serve.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sealift import errors
from sealift.errors import PackageError, SealiftError
from sealift.ports import Engine, Store
from sealift.record.container import ContainerSpec, Mount
from sealift.record.project import ModelSettings
from sealift.record.run import Run
from sealift.train.intake import output
from sealift.types import Digest

SECONDS = 600.0
"""How long learning may take."""
WEIGHTS = "model.onnx"
"""The file of a model; files whose names begin so belong to it."""


class Event(msgspec.Struct, frozen=True):
    """A line of the learning container's log."""

    event: str
    kind: str = ""
    error: str = ""
    where: str = ""
    remedy: str = ""


def learn(
    run: Run,
    settings: ModelSettings,
    source: Path,
    *,
    image: Digest,
    folder: Path,
    engine: Engine,
    store: Store,
) -> tuple[str, ...]:
    """Write model, contract, profile and golden vectors to ``folder``; what is doubtful about them.

    ``source`` is the model: an ONNX file, or a folder with ``model.onnx``. Raises the error that
    the container ended with, in terms of the project; ``PackageError`` when it said none.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    table = store.tree(output(run, settings.table))
    rules = folder.parent / "settings.json"
    rules.write_bytes(msgspec.json.encode(settings))
    log = folder.parent / "learn.log"
    spec = ContainerSpec(
        name=f"{run.project}-learn-{run.id}",
        image=image,
        argv=("/usr/bin/python3", "-m", "sealift.container", "learn"),
        mounts=(
            Mount(source=str(source), target="/in/model"),
            Mount(source=str(table), target="/in/table"),
            Mount(source=str(rules), target="/in/settings.json"),
            Mount(source=str(folder), target="/out", writable=True),
        ),
        log=str(log),
    )
    ended = engine.run(spec, timeout=SECONDS)
    events = _events(log)
    if ended.status != 0:
        raise _failure(events, settings, log, ended.status)
    for path, name in _weights(source):
        shutil.copy(path, folder / name)
    return tuple(event.error for event in events if event.event == "doubtful")


def _weights(source: Path) -> list[tuple[Path, str]]:
    if source.is_file():
        return [(source, WEIGHTS)]
    return [(path, path.name) for path in sorted(source.iterdir()) if path.name.startswith(WEIGHTS)]


def _events(log: Path) -> list[Event]:
    """What the container said of itself; other lines are left out."""
    events = []
    for line in log.read_text(errors="replace").splitlines() if log.exists() else []:
        try:
            events.append(msgspec.json.decode(line, type=Event))
        except msgspec.DecodeError:
            continue
    return events


def _failure(
    events: Sequence[Event], settings: ModelSettings, log: Path, status: int
) -> SealiftError:
    said = next((event for event in reversed(events) if event.event == "failed"), None)
    if said is None:
        return PackageError(
            f"Learning the contract ended with status {status} before it said why.",
            where=str(log),
            remedy="The log tells more; perhaps the machine lacks memory for the model.",
        )
    kind = getattr(errors, said.kind, PackageError) if said.kind in errors.__all__ else PackageError
    failure: SealiftError = kind(
        said.error,
        where=_place(said.where, settings),
        remedy=said.remedy or f"The log tells more: {log}",
    )
    return failure


def _place(where: str, settings: ModelSettings) -> str:
    """A place in the container as a place in the project.

    >>> wines = ModelSettings(origin="a.model", task="regression", table="a.table", target="y")
    >>> _place("/in/model/model.onnx", wines), _place("[model] target", wines)
    ('output a.model: model.onnx', 'sealift.toml: [model] target')
    """
    if where.startswith("[model"):
        return f"sealift.toml: {where}"
    if where in ("table", "/in/table"):
        return f"output {settings.table}"
    if where == "/in/model":
        return f"output {settings.origin}"
    if where in (WEIGHTS, f"/in/model/{WEIGHTS}"):
        return f"output {settings.origin}: {WEIGHTS}"
    return where


__all__ = ["learn"]
