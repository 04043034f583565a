"""From a project and the values a user chose to the steps in the order they can run."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sealift.errors import UsageError
from sealift.record import command, graph
from sealift.record.project import Project, Step
from sealift.train.cells import Cell, Matching, cells, named
from sealift.types import Scalar


@dataclass(frozen=True)
class Planned:
    """A step with its values: the command as the shell gets it, and the steps it waits for.

    One with a matrix is planned once for each ``cell`` of it: ``name`` is then "train[depth=4]",
    ``of`` its name in the project file, and ``slug`` a name for files and containers.
    """

    name: str
    of: str
    slug: str
    cell: Cell
    step: Step
    params: dict[str, Scalar]
    command: str
    needs: tuple[str, ...]


def plan(
    project: Project, params: Mapping[str, Scalar | Mapping[str, Scalar]]
) -> tuple[Planned, ...]:
    """The steps, each behind those whose outputs it reads.

    ``params`` replace defaults: ``{"depth": 3}`` in every step that has this parameter,
    ``{"train.depth": 3}`` or ``{"train": {"depth": 3}}`` in one. A text becomes what the default
    is. Raises ``UsageError`` for an unknown parameter, with the nearest one, and for a value that
    is not of the default's kind.
    """
    chosen = dict(_flat(params))
    values = {name: dict(step.params) for name, step in project.steps.items()}
    matrix = {name: dict(step.matrix) for name, step in project.steps.items()}
    for key in sorted(chosen, key=lambda key: "." in key):  # what names a step wins
        for name, param in _meant(project, key):
            value = convert(chosen[key], project.steps[name].params[param], key)
            values[name][param] = value
            if param in matrix[name]:
                matrix[name][param] = [value]
    within = {name: list(cells(axes)) for name, axes in matrix.items()}
    read = {name: _matching(found) for name, found in within.items()}
    return tuple(
        _planned(project, name, number, cell, values[name] | cell, read)
        for name in graph.order(project)
        for number, cell in enumerate(within[name])
    )


def recorded(project: Project, params: Mapping[str, Mapping[str, Scalar]]) -> tuple[Planned, ...]:
    """The steps of a run that was planned before, by its record of their parameters."""
    axes = {name: tuple(step.matrix) for name, step in project.steps.items()}
    found: dict[str, list[tuple[Cell, dict[str, Scalar]]]] = {}
    for full, values in params.items():
        name = full.partition("[")[0]
        cell = {axis: values[axis] for axis in axes[name]}
        found.setdefault(name, []).append((cell, dict(values)))
    read = {name: _matching(cell for cell, _ in all_) for name, all_ in found.items()}
    return tuple(
        _planned(project, name, number, cell, values, read)
        for name in graph.order(project)
        for number, (cell, values) in enumerate(found.get(name, []))
    )


def _planned(
    project: Project,
    name: str,
    number: int,
    cell: Cell,
    values: dict[str, Scalar],
    read: Mapping[str, Matching[Cell]],
) -> Planned:
    """A step in a cell; ``read`` has the cells of all steps."""
    step = project.steps[name]
    needs: list[str] = []
    for other in graph.needs(step):
        if not (fit := read[other].read_in(cell)):
            raise _unmade(name, cell, other)
        needs += [named(other, one) for one in fit]
    return Planned(
        name=named(name, cell),
        of=name,
        slug=f"{name}.{number + 1}" if cell else name,
        cell=cell,
        step=step,
        params=values,
        command=command.fill(step.run, values),
        needs=tuple(needs),
    )


def _matching(found: Iterable[Cell]) -> Matching[Cell]:
    return Matching((cell, cell) for cell in found)


def _unmade(name: str, cell: Cell, other: str) -> UsageError:
    return UsageError(
        f"{named(name, cell)} would read {other!r}, which does not run with these values.",
        where=f"sealift.toml: steps.{name}.matrix and steps.{other}.matrix",
        remedy="Parameters that both have in their matrix are matched: give both these values, "
        "or call one of them otherwise.",
    )


def convert(value: Scalar, default: Scalar, key: str) -> Scalar:
    """``value`` as the kind that ``default`` is; raises ``UsageError`` when it cannot be.

    >>> convert("3", 0, "depth"), convert("true", False, "fast"), convert(1, 0.5, "rate")
    (3, True, 1.0)
    """
    text = command.text(value)
    if isinstance(default, bool):
        words = {"true": True, "false": False}
        if text in words:
            return words[text]
        raise _unfit(key, value, "true or false")
    if isinstance(default, int):
        number = _number(value, key, "a whole number")
        if number != int(number):
            raise _unfit(key, value, "a whole number")
        return int(text) if text.lstrip("+-").isdecimal() else int(number)
    if isinstance(default, float):
        return _number(value, key, "a number")
    return text


def _number(value: Scalar, key: str, wanted: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _unfit(key, value, wanted)
    return number


def _flat(params: Mapping[str, Scalar | Mapping[str, Scalar]]) -> Iterator[tuple[str, Scalar]]:
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{name}", inner) for name, inner in value.items())
        else:
            yield key, value


def _meant(project: Project, key: str) -> list[tuple[str, str]]:
    """The steps and parameters that a key stands for."""
    known = [(name, param) for name, step in project.steps.items() for param in step.params]
    meant = [pair for pair in known if key in (pair[1], ".".join(pair))]
    if meant:
        return meant
    names = sorted({param for _, param in known} | {".".join(pair) for pair in known})
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
    raise UsageError(
        f"No step has a parameter {key!r}.",
        remedy=hint if names else "The steps of this project have no parameters.",
    )


def _unfit(key: str, value: Scalar, wanted: str) -> UsageError:
    return UsageError(
        f"The parameter {key!r} cannot be {command.text(value)!r}.", remedy=f"Give {wanted}."
    )


__all__ = ["Planned", "convert", "plan", "recorded"]
