"""Running a recorded run again, and the signed statement of what came of it."""

from __future__ import annotations

from sealift.data.snapshot import Files
from sealift.errors import IntegrityError, NotFoundError
from sealift.ports import Progress
from sealift.record.image import Image
from sealift.record.reproduction import Reproduction
from sealift.record.run import Run
from sealift.train.again import reproduce as again
from sealift.train.again import statement
from sealift.train.job import Bench
from sealift.types import Digest
from sealift.wiring import Wired


def reproduce(
    wired: Wired,
    run: Run,
    *,
    steps: tuple[str, ...],
    tolerance: float | None,
    progress: Progress,
) -> Reproduction:
    """Run the finished steps of a run again (those in ``steps``; empty: all), and compare.

    ``tolerance`` is the relative difference of numbers that does not matter in any output; None
    takes what the project file says today, which for outputs it does not name is none.
    """
    if not all(map(wired.store.has, (run.image, *run.images.values()))):
        # of a run of another machine: the same lock makes the same image
        builder = wired.builder(progress)
        builder.step_image()
        builder.borrowed()
    bench = Bench(
        folders=wired.folders,
        project=wired.project.name,
        engine=wired.engine,
        store=wired.store,
        lake=Files(wired.folders.root),
    )
    outputs = [f"{one.name}.{name}" for one in run.steps for name in one.outputs]
    declared = {
        f"{one.name}.{output}": value
        for one in run.steps
        if (step := wired.project.steps.get(one.name.partition("[")[0]))
        for output, value in step.tolerance.items()
    }
    with wired.ledger.exclusive("train"):
        return again.reproduce(
            run,
            bench=bench,
            steps=steps,
            tolerances=declared if tolerance is None else dict.fromkeys(outputs, tolerance),
            progress=progress,
        )


def of_team(wired: Wired, word: str, progress: Progress) -> Run | None:
    """A run of another machine, which the cache of the team has with its code and its outputs."""
    shared = wired.shared(progress)
    return shared.recall(word) if shared else None


def images(wired: Wired, run: Run) -> list[Digest]:
    """The images of the model that a run made; a statement about the run is kept beside each.

    Raises ``NotFoundError`` when there is none.
    """
    found = [one.digest for one in wired.ledger.all(Image) if run.model and one.model == run.model]
    if not found:
        raise NotFoundError(
            f"Run {run.id} has no model with an image, which the statement would be about.",
            remedy=f"Run `sealift package --model {run.model}` first."
            if run.model
            else "Leave --attach away.",
        )
    return found


def attach(wired: Wired, made: Reproduction, images: list[Digest]) -> None:
    """Sign a reproduction and keep it beside images."""
    for image in images:
        statement.seal(made, image, signer=wired.signer, store=wired.store)


def reproduced(made: Reproduction) -> None:
    """Raises ``IntegrityError`` that names the outputs that did not come out as they were."""
    lost = [f"{one.step}.{one.output}" for one in made.outputs if not one.reproduced]
    if lost or not made.outputs:
        raise IntegrityError(
            f"Not reproduced: {', '.join(lost) or 'the run has no outputs'}.",
            where=f"run {made.run}",
            remedy="The causes above say what to mend. If a small difference of numbers does not "
            "matter, say so: --tolerance, or the step's `tolerance` in sealift.toml.",
        )


__all__ = ["attach", "images", "reproduce", "reproduced"]
