"""Loading the model's file: the one place where code in it may run."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from . import boosters
from .estimators import Estimator
from .model import Native
from .said import Failure, need
from .table import Table


def load(path: Path, form: str, table: Table, requirements: str) -> Native:
    """The model in the file at ``path``.

    ``form`` is ``pickle``, ``skops``, ``xgboost`` or ``lightgbm``. Raises ``Failure`` when the
    image lacks what it needs, or when it is no model that can be converted.
    """
    if form == "xgboost":
        library = _framework("xgboost", requirements)
        return boosters.xgboost(library.Booster(model_file=str(path)), table, requirements)
    if form == "lightgbm":
        library = _framework("lightgbm", requirements)
        return boosters.lightgbm(library.Booster(model_file=str(path)), table, requirements)
    model = _skops(path, requirements) if form == "skops" else _pickle(path, requirements)
    kind = type(model)
    if kind.__name__ == "Booster" and kind.__module__.startswith(("xgboost.", "lightgbm.")):
        make = boosters.xgboost if kind.__module__.startswith("xgboost.") else boosters.lightgbm
        return make(model, table, requirements)
    if not hasattr(model, "predict"):
        raise Failure(
            f"The file holds a {kind.__module__}.{kind.__qualname__}, which is no model.",
            where="model",
            remedy="Save the fitted estimator or pipeline itself, not what holds it.",
        )
    return Estimator(model, table, requirements)


def _framework(name: str, requirements: str) -> Any:
    return need(name, name, why="Loading the model", requirements=requirements)


def _skops(path: Path, requirements: str) -> Any:
    need("skops", "skops", why="Loading the model", requirements=requirements)
    io = importlib.import_module("skops.io")
    # which types may be in it was decided before, from its schema or by its digest
    return io.load(path, trusted=io.get_untrusted_types(file=path))


def _pickle(path: Path, requirements: str) -> Any:
    try:
        if importlib.util.find_spec("joblib"):
            return importlib.import_module("joblib").load(path)
        with path.open("rb") as stream:
            return importlib.import_module("pickle").load(stream)
    except (ImportError, AttributeError) as error:
        raise Failure(
            f"The model cannot be loaded: {error}.",
            where="model",
            remedy=f"Name what it needs in {requirements}. What the step's own script defines is "
            "not there outside of it: let the step export such a model to ONNX itself, or serve it "
            "by a program of your own, [model] predict.",
        ) from error


__all__ = ["load"]
