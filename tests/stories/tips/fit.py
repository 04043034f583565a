"""Fit tips as most people do: no word of ONNX, the pipeline kept by joblib."""

import argparse
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

INPUTS = ["bill", "size", "day"]


def main() -> None:
    """Train on all visits; the class is whether the tip was generous."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trees", type=int)
    wanted = parser.parse_args()

    visits = pd.read_csv("data/visits.csv")
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["bill", "size"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["day"]),
        ]
    )
    model = make_pipeline(
        columns, GradientBoostingClassifier(n_estimators=wanted.trees, random_state=0)
    )
    model.fit(visits[INPUTS], visits["tip"])

    Path("out").mkdir(exist_ok=True)
    joblib.dump(model, "out/model.joblib")
    visits.to_csv("out/visits.csv", index=False)


if __name__ == "__main__":
    main()
