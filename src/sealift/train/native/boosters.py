"""Boosters as XGBoost and LightGBM save them themselves."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .graph import WHOLE
from .model import chosen, taken
from .parity import Answers
from .said import Failure, need
from .table import Row, Table


@dataclass(frozen=True)
class Booster:
    """A booster: how it predicts from an array, and how its framework's converter is called.

    ``classify`` says that its answers are the probabilities of classes.
    """

    columns: list[str]
    table: Table
    classify: bool
    predict: Callable[[Any], Any]
    export: Callable[[list[Any]], Any]

    def answers(self, rows: Sequence[Row]) -> Answers:
        """What it predicts."""
        numpy = importlib.import_module("numpy")
        cells = [[float(row[name]) for name in self.columns] for row in rows]
        found = self.predict(numpy.array(cells, "float32"))
        if not self.classify:
            return Answers([float(one) for one in found.reshape(-1).tolist()])
        chances = found if found.ndim > 1 else numpy.stack([1 - found, found], axis=1)
        labels = [str(one) for one in chances.argmax(axis=1).tolist()]
        return Answers(labels, chances.tolist())

    def convert(self, numbers: str) -> tuple[Any, dict[str, str]]:
        """By onnxmltools; its trees compare numbers of single precision."""
        if numbers != "FLOAT":
            raise ValueError(f"a booster does not take numbers as {numbers}")
        types = importlib.import_module("onnxmltools.convert.common.data_types")
        made = self.export([(WHOLE, types.FloatTensorType([None, len(self.columns)]))])
        return made, taken(self.columns, self.table, numbers)


def xgboost(booster: Any, table: Table, requirements: str) -> Booster:
    """A booster of XGBoost's."""
    tools = _tools("XGBoost", requirements)
    library = importlib.import_module("xgboost")
    objective = str(booster.attr("objective") or _objective(booster))
    return Booster(
        columns=_columns("XGBoost", booster.feature_names, booster.num_features(), table),
        table=table,
        classify=objective.startswith(("binary:logistic", "multi:")),
        predict=lambda cells: booster.predict(
            library.DMatrix(cells, feature_names=booster.feature_names), validate_features=False
        ),
        export=lambda inputs: tools.convert_xgboost(_unnamed(booster), initial_types=inputs),
    )


def lightgbm(booster: Any, table: Table, requirements: str) -> Booster:
    """A booster of LightGBM's."""
    tools = _tools("LightGBM", requirements)
    objective = str(booster.dump_model(num_iteration=1).get("objective", ""))
    return Booster(
        columns=_columns("LightGBM", booster.feature_name(), booster.num_feature(), table),
        table=table,
        classify=objective.startswith(("binary", "multiclass")),
        predict=booster.predict,
        export=lambda inputs: tools.convert_lightgbm(
            booster, name="model", initial_types=inputs, zipmap=False
        ),
    )


def _tools(framework: str, requirements: str) -> Any:
    why = f"Converting a model of {framework}"
    return need("onnxmltools", "onnxmltools", "skl2onnx", why=why, requirements=requirements)


def _objective(booster: Any) -> str:
    json = importlib.import_module("json")
    found: str = json.loads(booster.save_config())["learner"]["objective"]["name"]
    return found


def _unnamed(booster: Any) -> Any:
    """A copy without names of columns, which the converter takes for numbers."""
    copy = booster.copy()
    copy.feature_names = None
    return copy


def _columns(framework: str, names: list[str] | None, width: int, table: Table) -> list[str]:
    columns = chosen(names, width, table)
    if texts := [name for name in columns if table.kinds[name] == "string"]:
        raise Failure(
            f"The column {texts[0]!r} holds texts, which {framework} does not take as they are.",
            where="table",
            remedy="Write the table with the numbers that the model was trained on; or put the "
            "encoder and the booster into one pipeline of scikit-learn's and save that.",
        )
    return columns


__all__ = ["Booster", "lightgbm", "xgboost"]
