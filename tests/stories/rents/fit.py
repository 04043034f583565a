"""Fit rents; the unit "ft2" is the slip of somebody who took the areas for square feet."""

import argparse
import json
from pathlib import Path

import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    BooleanTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

TARGET = "Rent (EUR)"
INPUTS = {
    "District": StringTensorType([None, 1]),
    "Heating": StringTensorType([None, 1]),
    "Area (m²)": FloatTensorType([None, 1]),
    "Floor": FloatTensorType([None, 1]),
    "no. of rooms": Int64TensorType([None, 1]),
    "balcony": BooleanTensorType([None, 1]),
}


def main() -> None:
    """Train on three quarters of the flats and measure on the rest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--unit", choices=["m2", "ft2"])
    parser.add_argument("--strength", type=float)
    wanted = parser.parse_args()

    flats = pd.read_csv("data/flats.csv").fillna({"Heating": ""})
    if wanted.unit == "ft2":
        flats["Area (m²)"] *= 10.764
    train, test = flats.iloc[: len(flats) * 3 // 4], flats.iloc[len(flats) * 3 // 4 :]
    columns = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["District", "Heating"]),
            ("gaps", make_pipeline(SimpleImputer(), StandardScaler()), ["Area (m²)", "Floor"]),
            ("rooms", StandardScaler(), ["no. of rooms"]),
            ("rest", "passthrough", ["balcony"]),
        ]
    )
    model = make_pipeline(columns, Ridge(alpha=wanted.strength))
    model.fit(train[list(INPUTS)], train[TARGET])

    Path("out").mkdir(exist_ok=True)
    exported = to_onnx(model, initial_types=list(INPUTS.items()))
    Path("out/rents.onnx").write_bytes(exported.SerializeToString())
    train.to_csv("out/rows.csv")
    error = mean_absolute_error(test[TARGET], model.predict(test[list(INPUTS)]))
    Path("out/metrics.json").write_text(json.dumps({"mae": error}))


if __name__ == "__main__":
    main()
