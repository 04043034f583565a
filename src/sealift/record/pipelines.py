"""Pipelines within a pipeline: the steps of another file, under names of their own.

The steps of ``[pipelines.NAME]`` become steps ``NAME-STEP`` of the project. Within their file they
name each other as they stand there, and what comes from outside as ``inputs.WORD``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sealift.errors import ProjectError
from sealift.record.shape import nearest

INPUTS = "inputs"
_SELF = re.compile(r"(?<!{){pipeline}(?!})")
"""What stands for the pipeline's own name in commands and in paths that are written."""
Table = dict[str, Any]
Read = Callable[[str], str]
"""The text of a file of the project, by its path in it."""


def joined(data: Table, load: Callable[[str], Table]) -> Table:
    """The tables of a project file with the steps of the files that it names.

    ``load`` gives the tables of a file. What is of a wrong shape stays as it is: that is told
    later. Raises ``ProjectError`` for a file that holds anything but steps, for two steps of one
    name, for an input that is not given, and for a parameter that no step has.
    """
    named = _tables(data.get("pipelines"))
    steps = dict(data["steps"]) if isinstance(data.get("steps"), dict) else {}
    for name, pipeline in named:
        file = pipeline.get("file")
        if not isinstance(file, str) or not file:
            continue
        for step, table in _Part(name, pipeline, load(file), file).steps():
            if step in steps:
                raise ProjectError(
                    f"Two steps are called {step!r}.",
                    where=f"sealift.toml: steps.{step} and {file}: steps.{step[len(name) + 1 :]}",
                    remedy="Give one of them another name.",
                )
            steps[step] = table
    return {**data, "steps": steps} if named else data


def place(data: Table, path: str) -> tuple[str, str] | None:
    """Where a key of a joined step stands: its file, and its path there; None for all others."""
    for name, pipeline in _tables(data.get("pipelines")):
        start = f"steps.{name}-"
        if path.startswith(start) and isinstance(pipeline.get("file"), str):
            return pipeline["file"], f"steps.{path.removeprefix(start)}"
    return None


class _Part:
    """One file, as a part of a project."""

    def __init__(self, name: str, pipeline: Table, content: Table, file: str) -> None:
        self._name, self._file = name, file
        self._inputs = pipeline.get("inputs", {})
        self._params = pipeline.get("params", {})
        if foreign := [key for key in content if key != "steps"]:
            raise ProjectError(
                f"The file of a pipeline holds steps alone, and no {foreign[0]!r}.",
                where=f"{file}: {foreign[0]}",
                remedy="Write that into sealift.toml.",
            )
        self._steps = dict(_tables(content.get("steps")))
        self._check_params()

    def steps(self) -> Iterator[tuple[str, Table]]:
        """The steps with the names that they have in the project."""
        for name, step in self._steps.items():
            yield f"{self._name}-{name}", self._renamed(name, step)

    def _renamed(self, name: str, step: Table) -> Table:
        found = dict(step)
        where = f"{self._file}: steps.{name}"
        if isinstance(step.get("reads"), list):
            found["reads"] = [self._reference(one, where) for one in step["reads"]]
        if isinstance(step.get("when"), dict):
            found["when"] = {self._reference(key, where): v for key, v in step["when"].items()}
        if "run" in step:
            found["run"] = self._filled(step["run"])
        if isinstance(step.get("writes"), dict):
            found["writes"] = {key: self._filled(one) for key, one in step["writes"].items()}
        own = step.get("params")
        if isinstance(own, dict):
            given = self._params if isinstance(self._params, dict) else {}
            found["params"] = own | {key: v for key, v in given.items() if key in own}
        return found

    def _filled(self, text: Any) -> Any:
        return _SELF.sub(self._name, text) if isinstance(text, str) else text

    def _reference(self, text: Any, where: str) -> Any:
        if not isinstance(text, str):
            return text
        owner, dot, rest = text.partition(".")
        if owner == INPUTS and dot:
            given = self._inputs if isinstance(self._inputs, dict) else {}
            if rest not in given:
                raise ProjectError(
                    f"The pipeline needs the input {rest!r}, which is not given.",
                    where=f"{where} and sealift.toml: pipelines.{self._name}.inputs",
                    remedy=nearest(rest, given, f"Write inputs = {{ {rest} = 'data.NAME' }}."),
                )
            return given[rest]
        return f"{self._name}-{text}" if owner in self._steps else text

    def _check_params(self) -> None:
        tables = [step.get("params") for step in self._steps.values()]
        known = {key for one in tables if isinstance(one, dict) for key in one}
        for key in self._params if isinstance(self._params, dict) else ():
            if key not in known:
                raise ProjectError(
                    f"No step of {self._file} has a parameter {key!r}.",
                    where=f"sealift.toml: pipelines.{self._name}.params.{key}",
                    remedy=nearest(key, known, "Remove it."),
                )


def _tables(value: object) -> list[tuple[str, Table]]:
    """The tables of a table, by name; what else is in it is told later."""
    if not isinstance(value, Mapping):
        return []
    return [(name, one) for name, one in value.items() if isinstance(one, dict)]


__all__ = ["INPUTS", "Read", "joined", "place"]
