"""A recorded run of the small project, run again."""

from train_project import Talk

from sealift.data.snapshot import Files
from sealift.train.again.reproduce import reproduce
from sealift.train.job import Bench


def again(small, run, *steps, **tolerances):
    """The reproduction of a run."""
    bench = Bench(
        folders=small.folders,
        project="small",
        engine=small.engine,
        store=small.store,
        lake=Files(small.root),
    )
    named = {name.replace("_", "."): value for name, value in tolerances.items()}
    small.talk = Talk()
    return reproduce(run, bench=bench, steps=steps, tolerances=named, progress=small.talk)


def verdicts(made):
    """Verdicts by output."""
    return {f"{one.step}.{one.output}": one.verdict for one in made.outputs}
