"""Running a recorded run again, and the signed statement of what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from sealift import digest
from sealift.data.snapshot import Files
from sealift.errors import IntegrityError, NotFoundError
from sealift.ports import Progress
from sealift.record.image import Image
from sealift.record.model import Model
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


def subjects(wired: Wired, run: Run) -> dict[str, Digest]:
    """What a statement about a run is kept beside: the models that it made, and their images.

    By their names in words. Raises ``NotFoundError`` where it made none.
    """
    # the run of a model that was pulled has the number which that had elsewhere
    models = {one.version: one for one in wired.ledger.all(Model) if one.run == run.id}
    if not models:
        raise NotFoundError(
            f"Run {run.id} made no model, which the statement would be about.",
            remedy="Leave --attach away.",
        )
    images = [one.digest for one in wired.ledger.all(Image) if one.model in models]
    return {
        **{f"model {version}": one.digest for version, one in models.items()},
        **{f"image {digest.short(one)}": one for one in images},
    }


def attach(wired: Wired, made: Reproduction, subjects: Iterable[Digest]) -> None:
    """Sign a reproduction and keep it beside models and images."""
    for one in subjects:
        statement.seal(made, one, signer=wired.signer, store=wired.store)


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


__all__ = ["attach", "of_team", "reproduce", "reproduced", "subjects"]
