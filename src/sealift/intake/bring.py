"""An image of others becomes a model version like any other: the chapter, in order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from sealift import clock, digest
from sealift.adapters.images.arrive import arrive
from sealift.adapters.images.source import Source, parse
from sealift.adapters.registries.session import Access
from sealift.check import starts
from sealift.check.answer import Answer
from sealift.check.subject import Served, Subject
from sealift.check.target import Target
from sealift.errors import PackageError
from sealift.folders import private
from sealift.intake import columns, interview, vectors
from sealift.intake.arrival import Arrival, arrival, launch
from sealift.intake.columns import Examples
from sealift.intake.vectors import Asking, Cells
from sealift.package import evidence, locking
from sealift.package.artifact import write_description
from sealift.package.brought import Brought
from sealift.ports import Progress
from sealift.record.contract import Contract, Golden, Output
from sealift.record.from_image import FromImageSettings
from sealift.record.image import Image
from sealift.record.model import Model, Origin
from sealift.types import Json
from sealift.wiring import Wired

DENIED = {
    "read-only file system": "It wants to write: name the folders in [from_image] scratch.",
    "permission denied": "It lacks a right: Sealift runs it as user 65532 without any, whatever "
    "user the image names.",
    "operation not permitted": "It lacks a right: Sealift runs it as user 65532 without any, "
    "whatever user the image names.",
    "must be root": "It wants to be root, which Sealift does not let it be.",
    "address already in use": "It listens on a port of its own choice: tell it {port}.",
}
"""What a server says when it cannot run here, and what that means."""


class Learnt(NamedTuple):
    """What was found out of an image by asking its server."""

    origin: Origin
    contract: Contract
    golden: Golden


def bring(
    wired: Wired, reference: str, table: Path | None, *, comment: str, progress: Progress
) -> tuple[Model, Image]:
    """Bring an image in, ask its server what its model is, and register that as a version.

    The same image with the same answers gets the version that it has. Raises ``PackageError`` for
    a server that does not start, does not describe its model or does not repeat itself, and what
    the store and the registry raise.
    """
    settings, source = wired.project.from_image, parse(reference)
    with wired.ledger.exclusive("package"):
        arrived = _arrived(wired, source, progress)
        started = launch(arrived.process, settings)
        draft = Origin(
            reference=str(source), image=arrived.manifest.digest, served="", launch=started
        )
        learnt = _learnt(wired, draft, table, progress)
        model = _registered(wired, learnt, comment, progress)
        image = _attested(wired, arrived, model, learnt.origin)
        wired.store.tag(f"{wired.project.name}:{model.version}", arrived.manifest)
        wired.ledger.save(image)
    return model, image


def _arrived(wired: Wired, source: Source, progress: Progress) -> Arrival:
    progress.step("image", f"from {source}")
    platform = locking.here()
    access = Access(wired.network)
    image = arrive(source, wired.store, platform=platform, access=access, progress=progress)
    found = arrival(image, wired.store, platform)
    progress.step("image", f"{len(found.layers)} layers")
    return found


def _learnt(wired: Wired, draft: Origin, table: Path | None, progress: Progress) -> Learnt:
    """Ask the server in one container, and again in another."""
    progress.step("server", "starting")
    with _server(wired, draft) as target:
        said = interview.described_model(target, wired.project.from_image, wired.project.name)
        progress.step("server", f"model {said.name}, {len(said.inputs)} inputs")
        found = _examples(said.inputs, table, wired.project.from_image)
        for doubt in found.doubts:
            progress.say(doubt)
        origin = replace(draft, served=said.name)
        first = _first(target, said.name, found, table)
        if first is None:
            progress.say("No row is known that it answers: checks that need one do not apply.")
            contract = vectors.narrowed(found.contract, said.outputs, 1, 1)
            return Learnt(origin, contract, Golden(rows=(), outputs={}))
        asking, rows = Asking(target, said.name, found.contract), found.rows
        alone = asking.alone(rows)
        count = vectors.largest_batch(asking, rows, found.contract.max_rows)
        together = vectors.in_batches(asking, rows, count)
    contract = vectors.narrowed(found.contract, vectors.described(first), count, len(rows))
    _has_output(contract)
    progress.step("answers", f"{len(rows)} rows, again in a second container")
    with _server(wired, draft) as target:
        again = Asking(target, said.name, contract)
        others = [together, again.alone(rows), vectors.in_batches(again, rows, count)]
    tolerance = _tolerance(alone, others, wired.project.from_image.tolerance)
    progress.step("answers", f"the same within {tolerance:g}" if tolerance else "the same")
    return Learnt(origin, contract, Golden(rows=tuple(rows), outputs=alone, tolerance=tolerance))


def _examples(
    inputs: Sequence[Output], table: Path | None, settings: FromImageSettings
) -> Examples:
    if table is None:
        return columns.from_metadata(inputs, settings)
    return columns.from_table(inputs, table, settings)


def _first(target: Target, name: str, found: Examples, table: Path | None) -> Answer | None:
    """The answer to the first row; None where a row that nobody vouches for is refused."""
    if not found.rows:
        return None
    answer = Asking(target, name, found.contract).answer(found.rows[:1])
    return answer if table is not None or answer.status == 200 else None


@contextmanager
def _server(wired: Wired, origin: Origin) -> Iterator[Target]:
    """The server of an image, started and ready; it is ended behind the block.

    Raises ``PackageError`` with the reason when it does not become ready.
    """
    subject = Subject(
        image=origin.image,
        launch=origin.launch,
        model=Served(name="", version=0),
        contract=columns.EMPTY,
        golden=Golden(rows=(), outputs={}),
    )
    private(wired.folders.live)
    with Target(
        subject,
        engine=wired.engine,
        folder=wired.folders.live / "check",
        labels={"sealift.project": str(wired.folders.root)},
    ) as target:
        for fault in starts.findings(target):
            if fault.severity == "error":
                raise PackageError(fault.message, where=fault.place, remedy=_remedy(target.log))
        yield target


def _remedy(log: str) -> str:
    said = next((words for sign, words in DENIED.items() if sign in log.lower()), "")
    return said or (
        "The log says why. It has to listen on {port} and to answer [from_image] live and ready "
        "with 200."
    )


def _has_output(contract: Contract) -> None:
    names = [one.name for one in contract.outputs]
    if contract.prediction not in names:
        raise PackageError(
            f"The server's answer has no output {contract.prediction!r}.",
            where="[from_image] prediction",
            remedy=f"It has: {', '.join(names)}.",
        )


def _tolerance(alone: Cells, others: Sequence[Cells], allowed: float) -> float:
    """What golden vectors allow: nothing where all answers are the same."""
    furthest = max(others, key=lambda one: vectors.spread(alone, one))
    apart = vectors.spread(alone, furthest)
    if apart > allowed:
        raise PackageError(
            "The server does not repeat itself: the same rows got other answers, in a batch or in "
            "a second container.",
            where=vectors.worst(alone, furthest),
            remedy="Fix its seeds; or allow a difference with [from_image] tolerance, relative to "
            f"the answer (it was {apart:.3g}).",
        )
    return allowed if apart else 0.0


def _registered(wired: Wired, learnt: Learnt, comment: str, progress: Progress) -> Model:
    origin, contract, golden = learnt
    parts: list[Json] = [
        msgspec.to_builtins(one) for one in (replace(origin, reference=""), contract, golden)
    ]
    content = digest.of_json(parts)
    known = next((one for one in wired.ledger.all(Model) if one.content == content), None)
    if known is not None:
        progress.step("model", f"the same as version {known.version}")
        return known
    name, version = wired.project.name, wired.ledger.next_version()
    card: dict[str, Json] = {"name": origin.served, "version": version, "image": origin.image}
    wired.folders.runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wired.folders.runs, prefix="brought-") as place:
        folder = Path(place)
        (folder / "model.json").write_bytes(digest.canonical(card))
        (folder / "contract.json").write_bytes(msgspec.json.encode(contract))
        (folder / "golden.json").write_bytes(msgspec.json.encode(golden))
        kept = write_description(wired.store, folder, name=name, version=version)
    model = Model(
        name=name,
        version=version,
        digest=kept.digest,
        content=content,
        origin=origin,
        created=clock.now(),
        task=contract.task,
        metrics={},
        contract=contract,
        comment=comment,
    )
    wired.ledger.save(model)
    progress.step("model", f"registered as version {version}")
    return model


def _attested(wired: Wired, arrived: Arrival, model: Model, origin: Origin) -> Image:
    image = Image(
        digest=arrived.manifest.digest,
        platform=arrived.platform,
        layers=arrived.layers,
        model=model.version,
        created=clock.now(),
    )
    made = Brought(image=image, model=model, origin=origin, project=wired.project.name)
    kept = evidence.attest_brought(made, store=wired.store, signer=wired.signer)
    return replace(image, bom=kept.bom.digest, provenance=kept.provenance.digest)


__all__ = ["bring"]
