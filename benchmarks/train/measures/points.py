"""A million points of a metric: how long logging them takes, and how much of the disk."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks import environment, program
from benchmarks.machine import REPOSITORY
from benchmarks.result import Result, result
from benchmarks.train.field import Field, say
from benchmarks.train.places import HERE, WORK
from benchmarks.train.runners import PYTHON

POINTS = 1_000_000
SINGLE = 2_000
"""Points that are logged one by one into MLflow, which makes a transaction of each."""


def measure(field: Field) -> list[Result]:
    """Ours one by one; MLflow's by a thousand, as its client may, and some one by one."""
    ours = logged(POINTS)
    rival = HERE / "rivals" / "mlflow"
    lines = (rival / "requirements.txt").read_text().splitlines()
    version = next(one.split()[0] for one in lines if one.startswith("mlflow==")).partition("==")[2]
    batch, single = (mlflow(rival, how, n) for how, n in (("batch", POINTS), ("single", SINGLE)))
    title = f"mlflow {version}"
    return [
        result(
            "logging a point of a curve",
            {
                "ours": [1e6 * ours[0] / POINTS],
                f"{title}, a thousand at once": [1e6 * batch[0] / POINTS],
                f"{title}, {SINGLE:,} one by one": [1e6 * single[0] / SINGLE],
            },
            field.where,
            unit="µs",
            rule=f"{POINTS:,} points of one run",
        ),
        result(
            "disk that a point takes",
            {"ours": [ours[1] / POINTS], title: [batch[1] / POINTS]},
            field.where,
            unit="bytes",
        ),
    ]


def logged(count: int) -> tuple[float, int]:
    """Seconds and bytes of ours."""
    folder = fresh("points")
    (folder / "sealift.toml").write_text('name = "points"\n')
    words = [sys.executable, "-m", "benchmarks.train.logged", str(count)]
    done = program.run(words, cwd=folder, env={"PYTHONPATH": str(REPOSITORY)})
    return float(done.output), size(folder)


def mlflow(rival: Path, how: str, count: int) -> tuple[float, int]:
    """Seconds and bytes of MLflow's."""
    say(f"mlflow: {count:,} points, {how}")
    made = environment.environment(rival / "requirements.txt", PYTHON, "train-mlflow")
    folder = fresh("mlflow")
    words: program.Words = [made / "bin" / "python", rival / "points.py", how, str(count)]
    done = program.run(words, cwd=folder, env={"MLFLOW_DISABLE_TELEMETRY": "true"})
    return float(done.output.splitlines()[-1]), size(folder)


def fresh(name: str) -> Path:
    """An empty folder."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def size(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


__all__ = ["measure"]
