"""Whether the parts of a project fit together: references, circles, parameters and paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise, takewhile
from math import prod
from pathlib import PurePosixPath

from sealift.record import command
from sealift.record.project import ModelSettings, Project, Step
from sealift.record.shape import Fault, join, nearest

METRICS = "metrics"
"""The name of an output whose numbers become the run's metrics."""

CELLS = 10_000
"""Combinations of a matrix at most."""

SEED = "seed"
"""The name of a parameter that the command gets in its environment too."""


def faults(project: Project) -> Iterator[Fault]:
    """What does not fit together in a project whose values are each right."""
    yield from _data(project)
    for name, step in project.steps.items():
        yield from _step(project, name, step)
    yield from _circle(project)
    for name, pipeline in project.pipelines.items():
        yield from _inside(pipeline.file, f"pipelines.{name}.file")
        for word, read in pipeline.inputs.items():
            yield from _reference(project, read, f"pipelines.{name}.inputs.{word}")
    if project.model is not None:
        yield from _model(project, project.model)
    yield from _release(project)
    yield from _inside(project.image.requirements, "image.requirements")


def needs(step: Step) -> tuple[str, ...]:
    """The steps whose outputs a step reads or has conditions on, in the order it names them.

    >>> needs(Step(run="true", reads=["data.a", "prepare.features", "prepare.table"]))
    ('prepare',)
    """
    producers = (read.partition(".")[0] for read in (*step.reads, *step.when))
    return tuple(dict.fromkeys(name for name in producers if name != "data"))


def order(project: Project) -> tuple[str, ...]:
    """The steps, each behind those it needs; otherwise as in the file.

    Raises ``graphlib.CycleError`` for a circle, which ``faults`` names first.
    """
    sorter = TopologicalSorter({name: needs(step) for name, step in project.steps.items()})
    sorter.prepare()
    place = {name: number for number, name in enumerate(project.steps)}
    placed: list[str] = []
    ready = list(sorter.get_ready())
    while ready:
        ready.sort(key=place.__getitem__)
        name = ready.pop(0)
        placed.append(name)
        sorter.done(name)
        ready.extend(sorter.get_ready())
    return tuple(placed)


def fixed(uri: str) -> PurePosixPath:
    """The part of a dataset's path before its first part with a wildcard.

    >>> str(fixed("data/month=*/a.csv"))
    'data'
    """
    parts = PurePosixPath(uri).parts
    return PurePosixPath(*takewhile(lambda part: not set("*?[") & set(part), parts))


def _data(project: Project) -> Iterator[Fault]:
    for name, source in project.data.items():
        path = f"data.{name}.uri"
        if "://" in source.uri:
            scheme = source.uri.partition("://")[0]
            what = f"Data is read from files, not from {scheme}://."
            yield Fault(2, path, what, "Write a path or a glob.")
        elif ".." in PurePosixPath(source.uri).parts:
            what = f"The path {source.uri!r} leads out of the project by '..'."
            yield Fault(2, path, what, "Write an absolute path, starting with '/'.")


def _step(project: Project, name: str, step: Step) -> Iterator[Fault]:
    path = f"steps.{name}"
    if name == "data":
        what = "A step cannot be called 'data': 'data.NAME' stands for a dataset."
        yield Fault(2, path, what, "Give the step another name.")
    for number, read in enumerate(step.reads):
        yield from _reference(project, read, f"{path}.reads[{number}]")
        if read in step.reads[:number]:
            yield Fault(2, f"{path}.reads[{number}]", f"{read!r} is read twice.", "Name it once.")
    for output, target in step.writes.items():
        yield from _inside(target, f"{path}.writes.{output}")
    for output in step.tolerance:
        if output not in step.writes:
            what = f"The step has no output {output!r}."
            remedy = nearest(output, step.writes, "Add it to the step's writes.")
            yield Fault(2, f"{path}.tolerance.{output}", what, remedy)
    for number, entry in enumerate(step.code or ()):
        yield from _inside(entry, f"{path}.code[{number}]", whole=True)
    yield from _params(step, path)
    yield from _matrix(step, path)
    yield from _when(project, step, path)
    yield from _clashes(project, step, path)


def _reference(project: Project, text: str, path: str, *, data: bool = True) -> Iterator[Fault]:
    outputs = [f"{name}.{out}" for name, step in project.steps.items() for out in step.writes]
    known = [f"data.{name}" for name in project.data] if data else []
    if text not in known and text not in outputs:
        what = f"{text!r} is no dataset and no output of a step."
        if not data:
            what = f"{text!r} is no output of a step."
        yield Fault(2, path, what, nearest(text, known + outputs, "Add it to a step's writes."))


def _params(step: Step, path: str) -> Iterator[Fault]:
    try:
        used = command.names(step.run)
    except ValueError as error:
        what = f"The command holds a single {str(error)!r} that belongs to no parameter."
        yield Fault(2, f"{path}.run", what, "Write {{ and }} for braces that the shell gets.")
        return
    for name in used:
        if name not in step.params:
            what = f"The command uses {{{name}}}, which is no parameter of the step."
            other = f"Add it to [{path}.params], or double its braces."
            near = nearest(name, step.params, other)
            yield Fault(2, f"{path}.run", what, near if near.startswith("Did") else other)
    for name in step.params:
        if name not in used and name != SEED:
            what = f"The parameter {name!r} does not occur in the command."
            remedy = f"Write {{{name}}} where its value belongs, or remove it."
            yield Fault(2, f"{path}.params.{name}", what, remedy)


def _matrix(step: Step, path: str) -> Iterator[Fault]:
    for name, values in step.matrix.items():
        where = f"{path}.matrix.{name}"
        if name not in step.params:
            what = f"The matrix names {name!r}, which is no parameter of the step."
            remedy = nearest(name, step.params, f"Add it to [{path}.params], with a default value.")
            yield Fault(2, where, what, remedy)
        elif len(set(map(command.text, values))) < len(values):
            yield Fault(2, where, "A value stands there twice.", "Name each once.")
        else:
            kinds = {type(value) for value in (step.params[name], *values)}
            if len(kinds - {int} if kinds <= {int, float} else kinds) > 1:
                what = f"Its values are not of the kind of the default, {step.params[name]!r}."
                yield Fault(2, where, what, "Write all of them as numbers, or all as texts.")
    if (size := prod(len(values) for values in step.matrix.values())) > CELLS:
        what = f"The matrix has {size:,} combinations."
        yield Fault(2, f"{path}.matrix", what, f"At most {CELLS:,} are run.")


def _when(project: Project, step: Step, path: str) -> Iterator[Fault]:
    writers = [name for name, one in project.steps.items() if METRICS in one.writes]
    for key in step.when:
        name, dot, metric = key.partition(".")
        where = join(f"{path}.when", key)
        if not dot or not metric or name not in writers:
            what = f"{key!r} is no metric of a step with an output named 'metrics'."
            other = f"Write STEP.METRIC; such steps are: {', '.join(writers) or 'none'}."
            yield Fault(2, where, what, nearest(name, writers, other))
        elif project.steps[name].matrix:
            what = f"The step {name!r} runs for every combination of its matrix: which is meant?"
            yield Fault(2, where, what, "Name a step that reads them all.")


def _inside(text: str, path: str, *, whole: bool = False) -> Iterator[Fault]:
    parts = PurePosixPath(text).parts
    if text.startswith("/") or ".." in parts or (not parts and not whole):
        what = f"The path {text!r} does not stay inside the project folder."
        yield Fault(2, path, what, "Write a path below it, such as 'out/model'.")
    elif parts[:1] == (".sealift",):
        yield Fault(2, path, "The folder .sealift is Sealift's own.", "Choose another path.")


def _clashes(project: Project, step: Step, path: str) -> Iterator[Fault]:
    """Places in the step's folder that would lie on or inside one another."""
    taken: dict[str, PurePosixPath] = {}
    for read in step.reads:
        owner, _, name = read.partition(".")
        if owner != "data" and (writer := project.steps.get(owner)) and name in writer.writes:
            taken[read] = PurePosixPath(writer.writes[name])
    for name, target in step.writes.items():
        taken[f"writes.{name}"] = PurePosixPath(target)
    for number, read in enumerate(step.reads):
        yield from _swallowed(project, step, read, f"{path}.reads[{number}]")
    known = list(taken)
    for number, one in enumerate(known):
        for other in known[:number]:
            if _overlap(taken[one], taken[other]):
                what = f"{other!r} ({taken[other]}) and {one!r} ({taken[one]}) share a path."
                remedy = "Give each a path of its own, none inside another."
                yield Fault(2, f"{path}.{one}" if one.startswith("w") else path, what, remedy)


def _swallowed(project: Project, step: Step, read: str, path: str) -> Iterator[Fault]:
    """An output whose folder would hold a dataset that the step reads."""
    owner, _, name = read.partition(".")
    if owner != "data" or name not in project.data:
        return
    for output, target in step.writes.items():
        if fixed(project.data[name].uri).is_relative_to(target):
            what = f"The output {output!r} ({target}) would hold the dataset {read!r}."
            yield Fault(2, path, what, "Write it to a folder of its own, such as 'out'.")


def _overlap(one: PurePosixPath, other: PurePosixPath) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _circle(project: Project) -> Iterator[Fault]:
    try:
        order(project)
    except CycleError as error:
        names = list(error.args[1])
        what = f"The steps wait for each other in a circle: {' -> '.join(names)}."
        remedy = "Remove one of these reads."
        yield Fault(2, f"steps.{names[0]}.reads", what, remedy)


def _model(project: Project, model: ModelSettings) -> Iterator[Fault]:
    yield from _reference(project, model.origin, "model.from", data=False)
    yield from _reference(project, model.table, "model.table", data=False)
    for path, read in (("model.from", model.origin), ("model.table", model.table)):
        step = read.partition(".")[0]
        if step in project.steps and project.steps[step].matrix:
            what = f"The step {step!r} runs for every combination of its matrix: which is meant?"
            yield Fault(2, path, what, "Add a step that reads them all and writes the best.")
    if model.predict:
        yield from _inside(model.predict, "model.predict")
    if model.target in model.ignore:
        what = f"The target {model.target!r} cannot be ignored."
        yield Fault(2, "model.ignore", what, "Remove it from the list.")
    if model.require and not any(METRICS in step.writes for step in project.steps.values()):
        what = "Metrics are required, but no step has an output named 'metrics'."
        remedy = "Write them to a JSON file, and add it: writes = { metrics = 'out/metrics.json' }."
        yield Fault(2, "model.require", what, remedy)
    yield from _gates(project, model)
    for name, rule in model.fields.items():
        path = join("model.fields", name)
        if name == model.target:
            yield Fault(2, path, "The target is not an input field.", "Remove the rule.")
        low, high = rule.minimum, rule.maximum
        if low is not None and high is not None and low > high:
            what = f"The smallest legal value {low:g} is above the largest, {high:g}."
            yield Fault(2, path, what, "Swap them.")


def _gates(project: Project, model: ModelSettings) -> Iterator[Fault]:
    if model.scores:
        yield from _reference(project, model.scores, "model.scores", data=False)
        return
    for alias, gates in model.gates.items():
        path = join("model.gates", alias)
        if gates.slices or any(one.score for one in gates.against.values()):
            what = "The gate needs scores row by row, and the project file names none."
            yield Fault(2, path, what, "Name the output that holds them: scores = 'STEP.OUTPUT'.")


def _release(project: Project) -> Iterator[Fault]:
    stages = project.release.stages
    if any(later <= earlier for earlier, later in pairwise(stages)):
        what = f"The shares {stages} do not grow."
        yield Fault(2, "release.stages", what, "Write them in rising order, such as [10, 50].")
    tasks = {"mae": "regression", "mse": "regression", "error_rate": "classification"}
    yield from _guards(project, tasks)


def _guards(project: Project, tasks: Mapping[str, str]) -> Iterator[Fault]:
    for name in project.release.guard:
        wanted = tasks.get(name)
        if project.model is not None and wanted not in (None, project.model.task):
            what = f"The guard {name!r} is for {wanted}, but the model's task is not that."
            near = "error_rate" if wanted == "regression" else "mae"
            yield Fault(2, f"release.guard.{name}", what, f"Use {near!r}, or remove it.")


__all__ = ["METRICS", "SEED", "faults", "fixed", "needs", "order"]
