"""From what a run hands over to a version of the model."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import msgspec

from sealift import clock, digest
from sealift.chapters.keeping import keep, keep_again
from sealift.package.builder import Builder
from sealift.ports import Progress
from sealift.record.contract import Contract
from sealift.record.model import Conversion, Model
from sealift.record.project import ModelSettings
from sealift.record.run import Run
from sealift.train import conversion, learning, program
from sealift.train.conversion import Workshop
from sealift.train.intake import admit
from sealift.train.learning import Handed
from sealift.types import Digest, Json
from sealift.wiring import Wired


def delivered(run: Run, settings: ModelSettings, progress: Progress) -> bool:
    """Whether the run made what its model is made of; says so if a condition kept it from that."""
    wanted = {read.partition(".")[0] for read in (settings.origin, settings.table)}
    skipped = [one for one in run.steps if one.name in wanted and one.status == "skipped"]
    for one in skipped:
        progress.say(f"No model is registered: {one.because}")
    return not skipped


def register(
    wired: Wired, run: Run, settings: ModelSettings, builder: Builder, progress: Progress
) -> Model:
    """Give a run's model its version, contract, reference profile and golden vectors.

    A model of another framework is converted to ONNX first, and held to the golden vectors after.
    Raises ``PackageError`` for files that run code when they are loaded and are not allowed.
    A run that gives the same bytes as a model that is there already gets that model's version.
    """
    step, _, name = settings.origin.partition(".")
    path = wired.project.steps[step].writes[name]
    own = program.code(run, settings, wired.store)
    admitted = admit(run, settings, path, own, store=wired.store)
    for one in admitted.allowed:
        progress.say(f"{one.path} can run code, and is allowed by its digest.")
    folder = wired.folders.runs / run.id / "model"
    shop = _workshop(wired, run, settings)
    source, made = admitted.source, None
    if admitted.native is not None:
        progress.step("convert", f"{admitted.native.name} to ONNX")
        source, made = conversion.convert(admitted.native, shop)
    doubts = learning.learn(
        run,
        settings,
        Handed(source, own, PurePosixPath(path).name),
        image=builder.serving_image(None).digest,
        folder=folder,
        engine=wired.engine,
        store=wired.store,
    )
    for doubt in doubts:
        progress.say(doubt)
    if admitted.native is not None and made is not None:
        conversion.hold(admitted.native, folder / "golden.json", shop)
        progress.step("convert", f"the same answers on {made.rows} rows and all golden vectors")
    known = _registered(wired, run, settings, folder, made, progress)
    wired.ledger.save(msgspec.structs.replace(run, model=known.version))
    for done in (folder, shop.folder):
        shutil.rmtree(done, ignore_errors=True)
    return known


def _workshop(wired: Wired, run: Run, settings: ModelSettings) -> Workshop:
    return Workshop(
        run=run,
        settings=settings,
        requirements=wired.project.image.requirements,
        folder=wired.folders.runs / run.id / "native",
        engine=wired.engine,
        store=wired.store,
    )


def _registered(
    wired: Wired,
    run: Run,
    settings: ModelSettings,
    folder: Path,
    made: Conversion | None,
    progress: Progress,
) -> Model:
    """The version that these bytes have, given to them now if they are new."""
    content = digest.of_tree(folder)
    known = next((model for model in wired.ledger.all(Model) if model.content == content), None)
    if known is not None:
        kept = keep_again(wired, known, folder)
        told = ", which the store had lost: kept again" if kept else ""
        progress.step("model", f"the same bytes as version {known.version}{told}")
        return kept or known
    model = _new_model(wired, run, settings, folder, content, made)
    progress.step("model", f"registered as version {model.version}")
    return model


def _new_model(
    wired: Wired,
    run: Run,
    settings: ModelSettings,
    folder: Path,
    content: Digest,
    made: Conversion | None,
) -> Model:
    contract = msgspec.json.decode((folder / "contract.json").read_bytes(), type=Contract)
    name, version = wired.project.name, wired.ledger.next_version()
    card: dict[str, Json] = {"name": name, "version": version, "run": run.id}
    if made is not None:
        card["original"] = made.digest
    model = Model(
        name=name,
        version=version,
        digest=keep(wired, folder, card),
        content=content,
        run=run.id,
        created=clock.now(),
        task=settings.task,
        metrics=run.metrics,
        contract=contract,
        comment=run.comment,
        conversion=made,
    )
    wired.ledger.save(model)
    return model


__all__ = ["delivered", "register"]
