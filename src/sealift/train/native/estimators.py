"""Models with the interface of scikit-learn, boosters with it among them."""

from __future__ import annotations

import copy
import importlib
import warnings
from collections.abc import Sequence
from typing import Any

from .frame import framed
from .graph import WHOLE
from .model import chosen, taken
from .parity import Answers, spelled
from .said import need
from .table import Row, Table

TREES = 3
"""The version of ONNX's operators for trees that all converters know."""


class Estimator:
    """A fitted estimator or pipeline of scikit-learn's."""

    def __init__(self, model: Any, table: Table, requirements: str) -> None:
        names = getattr(model, "feature_names_in_", None)
        width = int(getattr(model, "n_features_in_", len(table.kinds)))
        self._model = model
        self._table = table
        self._requirements = requirements
        self._named = names is not None
        self.columns = chosen(None if names is None else list(map(str, names)), width, table)

    def answers(self, rows: Sequence[Row]) -> Answers:
        """What it predicts, and the probabilities that it gives."""
        asked = framed(rows, self.columns, self._table, named=self._named)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = self._model.predict(asked)
            chances = self._model.predict_proba(asked) if _has_chances(self._model) else None
        if not hasattr(self._model, "classes_"):
            return Answers([float(one) for one in values.reshape(-1).tolist()])
        labels = [spelled(one) for one in values.tolist()]
        return Answers(labels, None if chances is None else chances.tolist())

    def convert(self, numbers: str) -> tuple[Any, dict[str, str]]:
        """By skl2onnx; of boosters inside, by onnxmltools."""
        why = "Converting a model of scikit-learn"
        need("skl2onnx", "skl2onnx", "protobuf<7", why=why, requirements=self._requirements)
        model = copy.deepcopy(self._model)
        for framework in ("xgboost", "lightgbm"):
            if _uses(model, framework):
                _register(framework, self._requirements)
        _unname(model)
        types = importlib.import_module("skl2onnx.common.data_types")
        tensors = {
            "FLOAT": types.FloatTensorType,
            "DOUBLE": types.DoubleTensorType,
            "INT64": types.Int64TensorType,
            "BOOL": types.BooleanTensorType,
            "STRING": types.StringTensorType,
        }
        given = taken(self.columns, self._table, numbers)
        initial = [(name, tensors[kind]([None, 1])) for name, kind in given.items()]
        if len(set(given.values())) == 1 and not _by_column(self._model):
            initial = [(WHOLE, tensors[given[self.columns[0]]]([None, len(given)]))]
        skl2onnx = importlib.import_module("skl2onnx")
        options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
        newest = {"": skl2onnx.__max_supported_opset__, "ai.onnx.ml": TREES}
        made = skl2onnx.to_onnx(model, initial_types=initial, options=options, target_opset=newest)
        return made, given


def _has_chances(model: Any) -> bool:
    return hasattr(model, "classes_") and hasattr(model, "predict_proba")


def _parts(model: Any) -> list[Any]:
    """The model and the estimators inside it."""
    found, waiting = [], [model]
    while waiting:
        one = waiting.pop()
        found.append(one)
        steps = getattr(one, "steps", None) or getattr(one, "transformers_", None) or []
        steps = [*steps, *(getattr(one, "transformer_list", None) or [])]
        waiting += [part[1] for part in steps if not isinstance(part[1], str)]
        waiting += [
            inner
            for name in ("best_estimator_", "estimator", "regressor_")
            if (inner := getattr(one, name, None)) is not None
        ]
    return found


def _by_column(model: Any) -> bool:
    """Whether it treats columns in different ways, so that each is an input of its own."""
    return any(type(one).__name__ == "ColumnTransformer" for one in _parts(model))


def _uses(model: Any, framework: str) -> bool:
    return any(type(one).__module__.partition(".")[0] == framework for one in _parts(model))


def _unname(model: Any) -> None:
    """Take the columns' names from boosters of XGBoost's: their converter takes numbers only."""
    for one in _parts(model):
        if type(one).__module__.startswith("xgboost."):
            one.get_booster().feature_names = None


def _register(framework: str, requirements: str) -> None:
    """Tell skl2onnx how the boosters of a framework are converted."""
    why = f"Converting a model of {framework}"
    need("onnxmltools", "onnxmltools", why=why, requirements=requirements)
    shapes = importlib.import_module("skl2onnx.common.shape_calculator")
    register = importlib.import_module("skl2onnx").update_registered_converter
    library = importlib.import_module(framework)
    prefix, folder, module = _CONVERTERS[framework]
    operators = importlib.import_module(
        f"onnxmltools.convert.{folder}.operator_converters.{module}"
    )
    convert = getattr(operators, f"convert_{folder}")
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    for kind, shape, known in (
        ("Classifier", shapes.calculate_linear_classifier_output_shapes, options),
        ("Regressor", shapes.calculate_linear_regressor_output_shapes, None),
    ):
        name = f"{prefix}{kind}"
        register(getattr(library, name), f"Sealift{name}", shape, convert, options=known)


_CONVERTERS = {
    "xgboost": ("XGB", "xgboost", "XGBoost"),
    "lightgbm": ("LGBM", "lightgbm", "LightGbm"),
}


__all__ = ["Estimator"]
