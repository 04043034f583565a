"""Runs side by side: what is not the same in all of them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from sealift import digest
from sealift.digest import short
from sealift.record.command import text
from sealift.record.run import Run

ABSENT = "-"
LONGEST = 1 << 20
"""Bytes of a file that is shown line by line at most."""


class Contrast(msgspec.Struct, frozen=True):
    """One respect in which runs differ: its value in each, in the order of the runs."""

    aspect: str
    name: str
    values: tuple[str, ...]


Packages = Callable[[Run], Mapping[str, str]]
"""The packages of a run's image, with their versions."""


def contrasts(runs: Sequence[Run], trees: Sequence[Path], packages: Packages) -> list[Contrast]:
    """Everything that is not the same in all runs: how they came out, and what they were made of.

    ``trees`` is the code of each as it was.
    """
    return [
        *_of("outcome", [_outcome(run) for run in runs]),
        *_of("metric", [_numbers(run.metrics) for run in runs]),
        *_of("parameter", [_params(run) for run in runs]),
        *_of(
            "data", [{name: short(s.digest) for name, s in run.snapshots.items()} for run in runs]
        ),
        *_of("code", [_files(tree) for tree in trees]),
        *_of("package", [packages(run) for run in runs]),
        *_of("pinned", [run.seeds for run in runs]),
        *_of("machine", [_machine(run) for run in runs]),
        *_of("output", [_outputs(run) for run in runs]),
    ]


def lines(old: Path, new: Path) -> Iterator[str]:
    """What changed in the code from one tree to another, as a unified diff of its texts."""
    before, after = _paths(old), _paths(new)
    for name in sorted({*before, *after}):
        first, second = _lines(before.get(name)), _lines(after.get(name))
        if first is None or second is None:
            if _content(before.get(name)) != _content(after.get(name)):
                yield f"{name} differs, and is no text or very long"
            continue
        yield from difflib.unified_diff(first, second, f"a/{name}", f"b/{name}", lineterm="")


def _of(aspect: str, maps: Sequence[Mapping[str, str]]) -> Iterator[Contrast]:
    for name in dict.fromkeys(name for one in maps for name in one):
        values = tuple(one.get(name, ABSENT) for one in maps)
        if len(set(values)) > 1:
            yield Contrast(aspect, name, values)


def _outcome(run: Run) -> dict[str, str]:
    model = {} if run.model is None else {"model": str(run.model)}
    return {"status": run.status, **model, **({"error": run.error} if run.error else {})}


def _numbers(metrics: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.6g}" for name, value in metrics.items()}


def _params(run: Run) -> dict[str, str]:
    return {
        f"{step}.{name}": text(value)
        for step, params in run.params.items()
        for name, value in params.items()
    }


def _data(run: Run) -> dict[str, str]:
    return {name: short(one.digest) for name, one in run.snapshots.items()}


def _machine(run: Run) -> dict[str, str]:
    one = run.machine
    return {
        "host": one.host,
        "cpu": one.cpu,
        "cores": str(one.cores),
        "system": one.system,
        "engine": one.engine,
        **({"graphics cards": ", ".join(one.gpus), "driver": one.driver} if one.gpus else {}),
    }


def _outputs(run: Run) -> dict[str, str]:
    return {
        f"{step.name}.{name}": short(tree)
        for step in run.steps
        for name, tree in step.outputs.items()
    }


def _files(tree: Path) -> dict[str, str]:
    return {name: short(digest.of_bytes(_content(path))) for name, path in _paths(tree).items()}


def _paths(tree: Path) -> dict[str, Path]:
    return {path.relative_to(tree).as_posix(): path for path in digest.walk(tree)}


def _content(path: Path | None) -> bytes:
    if path is None:
        return b""
    return str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()


def _lines(path: Path | None) -> list[str] | None:
    content = _content(path)
    if len(content) > LONGEST or b"\0" in content:
        return None
    try:
        return content.decode().splitlines()
    except UnicodeDecodeError:
        return None


__all__ = ["Contrast", "contrasts", "lines"]
