"""From a model of another framework to ONNX, in a container of the step image.

That image has the user's packages; the model's file is loaded there and nowhere else, without a
network, on a read-only root. What runs in it is ``sealift.train.native``.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sealift.ports import Engine, Store
from sealift.record.container import ContainerSpec, Mount
from sealift.record.model import Conversion
from sealift.record.project import ModelSettings
from sealift.record.run import Run
from sealift.train.intake import Native, output
from sealift.train.key import PINNED
from sealift.train.told import WEIGHTS, Event, events, failure

SECONDS = 900.0
"""How long a conversion may take."""
SCRIPT = Path(__file__).parent / "native"
_ENDINGS = {"pickle": ".pkl", "skops": ".skops", "lightgbm": ".txt"}


@dataclass(frozen=True)
class Workshop:
    """Where a run's model is converted: ``folder`` is the work's own, ``requirements`` the file
    that names the packages of the image."""

    run: Run
    settings: ModelSettings
    requirements: str
    folder: Path
    engine: Engine
    store: Store


def convert(native: Native, shop: Workshop) -> tuple[Path, Conversion]:
    """The ONNX model, and how it came about.

    Raises ``PackageError`` when the image lacks a converter, when the model cannot be converted,
    and when the converted model gives other answers on rows of the table.
    """
    shutil.rmtree(shop.folder, ignore_errors=True)
    target = shop.folder / "onnx"
    target.mkdir(parents=True)
    mounts = (Mount(source=str(target), target="/out", writable=True),)
    said = _work("convert", "Converting the model", native, shop, mounts)
    done = next(event for event in said if event.event == "converted")
    made = Conversion(
        file=native.name,
        form=native.form,
        digest=native.digest,
        tools=done.tools,
        rows=done.rows,
        tolerance=done.tolerance,
        worst=done.worst,
    )
    return target / WEIGHTS, made


def hold(native: Native, golden: Path, shop: Workshop) -> None:
    """Hold the golden vectors in the file ``golden``, which the ONNX model gave, to the original.

    Raises ``PackageError`` for the first that it answers otherwise.
    """
    mounts = (Mount(source=str(golden), target="/in/golden.json"),)
    _work("compare", "Comparing the models", native, shop, mounts)


def _work(
    word: str, work: str, native: Native, shop: Workshop, mounts: tuple[Mount, ...]
) -> Sequence[Event]:
    file = f"model{_ending(native)}"
    rules = shop.folder / "settings.json"
    told = {
        "file": file,
        "form": native.form,
        "classify": shop.settings.task == "classification",
        "without": [shop.settings.target, *shop.settings.ignore],
        "requirements": shop.requirements,
    }
    rules.write_bytes(msgspec.json.encode(told))
    table = shop.store.tree(output(shop.run, shop.settings.table))
    log = shop.folder.parent / f"{word}.log"
    spec = ContainerSpec(
        name=f"{shop.run.project}-{word}-{shop.run.id}",
        image=shop.run.image,
        argv=("/usr/bin/python3", "-m", "native", word),
        env={**PINNED, "PYTHONPATH": "/in/code"},
        mounts=(
            Mount(source=str(SCRIPT), target="/in/code/native"),
            Mount(source=str(native.path), target=f"/in/{file}"),
            Mount(source=str(table), target="/in/table"),
            Mount(source=str(rules), target="/in/settings.json"),
            *mounts,
        ),
        log=str(log),
    )
    ended = shop.engine.run(spec, timeout=SECONDS)
    said = events(log)
    if ended.status != 0:
        raise failure(said, shop.settings, log, work=work, status=ended.status)
    return said


def _ending(native: Native) -> str:
    """The ending that the framework knows the file's form by."""
    if native.form != "xgboost":
        return _ENDINGS[native.form]
    with native.path.open("rb") as stream:
        return ".ubj" if stream.read(2) == b"{L" else ".json"


__all__ = ["Workshop", "convert", "hold"]
