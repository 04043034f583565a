"""From what a run hands over to a version of the model."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from sealift import clock, digest
from sealift.package.artifact import write_model
from sealift.package.builder import Builder
from sealift.ports import Progress
from sealift.record.contract import Contract
from sealift.record.model import Model
from sealift.record.project import ModelSettings
from sealift.record.run import Run
from sealift.train import learning
from sealift.train.intake import admit
from sealift.types import Digest, Json
from sealift.wiring import Wired


def register(
    wired: Wired, run: Run, settings: ModelSettings, builder: Builder, progress: Progress
) -> Model:
    """Give a run's model its version, contract, reference profile and golden vectors.

    Raises ``PackageError`` for files that run code when they are loaded and are not allowed.
    A run that gives the same bytes as a model that is there already gets that model's version.
    """
    source = admit(run, settings, store=wired.store)
    folder = wired.folders.runs / run.id / "model"
    doubts = learning.learn(
        run,
        settings,
        source,
        image=builder.serving_image(None).digest,
        folder=folder,
        engine=wired.engine,
        store=wired.store,
    )
    for doubt in doubts:
        progress.say(doubt)
    content = digest.of_tree(folder)
    known = next((model for model in wired.ledger.all(Model) if model.content == content), None)
    if known is None:
        known = _new_model(wired, run, settings, folder, content)
        progress.step("model", f"registered as version {known.version}")
    else:
        progress.step("model", f"the same bytes as version {known.version}")
    wired.ledger.save(msgspec.structs.replace(run, model=known.version))
    shutil.rmtree(folder)
    return known


def _new_model(
    wired: Wired, run: Run, settings: ModelSettings, folder: Path, content: Digest
) -> Model:
    contract = msgspec.json.decode((folder / "contract.json").read_bytes(), type=Contract)
    name, version = wired.project.name, wired.ledger.next_version()
    card: dict[str, Json] = {"name": name, "version": version, "run": run.id}
    (folder / "model.json").write_bytes(digest.canonical(card))
    artifact = write_model(wired.store, folder, name=name, version=version)
    model = Model(
        name=name,
        version=version,
        digest=artifact.digest,
        content=content,
        run=run.id,
        created=clock.now(),
        task=settings.task,
        metrics=run.metrics,
        contract=contract,
        comment=run.comment,
    )
    wired.ledger.save(model)
    return model


__all__ = ["register"]
