"""From a run's model and table to what travels with the model: contract, profile, golden vectors.

The learning runs in a container of the serving image, with the packages that will serve.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sealift.ports import Engine, Store
from sealift.record.container import ContainerSpec, Mount
from sealift.record.project import ModelSettings
from sealift.record.run import Run
from sealift.train.intake import output
from sealift.train.program import CODE, FILES, gather
from sealift.train.told import WEIGHTS, events, failure
from sealift.types import Digest

SECONDS = 600.0
"""How long learning may take."""


@dataclass(frozen=True)
class Handed:
    """What a run hands over: an ONNX file, or a folder with ``model.onnx``; with a ``program``
    whatever that loads, ``called`` so if it is a file."""

    source: Path
    program: Mapping[str, Path]
    called: str = ""


def learn(
    run: Run,
    settings: ModelSettings,
    handed: Handed,
    *,
    image: Digest,
    folder: Path,
    engine: Engine,
    store: Store,
) -> tuple[str, ...]:
    """Write model, contract, profile and golden vectors to ``folder``; what is doubtful about them.

    Raises the error that the container ended with, in terms of the project; ``PackageError`` when
    it said none.
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
            *_mounts(handed),
            Mount(source=str(table), target="/in/table"),
            Mount(source=str(rules), target="/in/settings.json"),
            Mount(source=str(folder), target="/out", writable=True),
        ),
        log=str(log),
    )
    ended = engine.run(spec, timeout=SECONDS)
    said = events(log)
    if ended.status != 0:
        work = "Learning the contract"
        raise failure(said, settings, log, work=work, status=ended.status)
    if handed.program:
        gather(handed.program, handed.source, handed.called, folder)
    else:
        for path, name in _weights(handed.source):
            shutil.copy(path, folder / name)
    return tuple(event.error for event in said if event.event == "doubtful")


def _mounts(handed: Handed) -> Iterator[Mount]:
    if not handed.program:
        yield Mount(source=str(handed.source), target="/in/model")
        return
    files = f"/in/model/{FILES}"
    single = f"/{handed.called}" if handed.source.is_file() else ""
    yield Mount(source=str(handed.source), target=files + single)
    for name, path in handed.program.items():
        yield Mount(source=str(path), target=f"/in/model/{CODE}/{name}")


def _weights(source: Path) -> list[tuple[Path, str]]:
    if source.is_file():
        return [(source, WEIGHTS)]
    return [(path, path.name) for path in sorted(source.iterdir()) if path.name.startswith(WEIGHTS)]


__all__ = ["Handed", "learn"]
