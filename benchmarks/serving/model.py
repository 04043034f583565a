"""The model that everybody serves: trained once, learnt once for ours, asked alone for its time."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import program
from benchmarks.environment import environment
from benchmarks.serving.places import HERE, WORK
from benchmarks.serving.subject import Rows

SECONDS = 0.3


@dataclass(frozen=True)
class Made:
    """Where the ONNX file is, the model folders of ours, the rows to ask for."""

    onnx: Path
    ours: Path
    ours_sum: Path
    rows: Rows


def tools() -> Path:
    """The environment that trains and profiles."""
    return environment(HERE / "tools" / "requirements.txt", "3.11", "serving-tools")


def made() -> Made:
    """Train, and learn as the packager does. Raises ``FailedError``."""
    trained = WORK / "model"
    shutil.rmtree(trained, ignore_errors=True)
    program.run([tools() / "bin" / "python", HERE / "tools" / "train.py", trained])
    told = json.loads((trained / "rows.json").read_text())
    rows = Rows(np.asarray(told["rows"], np.float32), told["labels"])
    return Made(
        onnx=trained / "digits.onnx",
        ours=_learnt(trained, "digits", target="digit", task="classification"),
        ours_sum=_learnt(trained, "sum", target="total", task="regression"),
        rows=rows,
    )


def _learnt(trained: Path, name: str, *, target: str, task: str) -> Path:
    source, folder = trained / f"in-{name}", trained / f"ours-{name}"
    (source / "model").mkdir(parents=True)
    shutil.copyfile(trained / f"{name}.onnx", source / "model" / "model.onnx")
    shutil.copyfile(trained / f"{name}.csv", source / "table")
    settings = {"from": "train.model", "task": task, "table": "train.table", "target": target}
    (source / "settings.json").write_text(json.dumps(settings))
    program.run([sys.executable, "-m", "sealift.container", "learn", source, folder])
    shutil.copyfile(source / "model" / "model.onnx", folder / "model.onnx")
    (folder / "model.json").write_text(json.dumps({"name": name, "version": 1, "run": "1"}))
    return folder


def alone(path: Path, count: int) -> float:
    """Seconds that onnxruntime takes for these rows, called from Python, with one thread.

    In a process of its own: else this one would share its pages with those that are measured.
    """
    words: program.Words = [
        sys.executable,
        HERE / "tools" / "alone.py",
        path,
        str(count),
        str(SECONDS),
    ]
    return float(program.run(words).output)


__all__ = ["Made", "alone", "made", "tools"]
