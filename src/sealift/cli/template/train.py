"""Train on three quarters of out/wines.csv and measure on the rest."""

import argparse
import json
from pathlib import Path

import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--strength", type=float, default=1.0)
    strength = parser.parse_args().strength

    table = pd.read_csv("out/wines.csv")
    train, test = table.iloc[: len(table) * 3 // 4], table.iloc[len(table) * 3 // 4 :]
    columns = [name for name in table.columns if name != "cultivar"]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    model.fit(train[columns].to_numpy(dtype="float32"), train["cultivar"])

    exported = to_onnx(
        model,
        initial_types=[("features", FloatTensorType([None, len(columns)]))],
        options={"zipmap": False},
    )
    Path("out/model").mkdir(parents=True, exist_ok=True)
    Path("out/model/model.onnx").write_bytes(exported.SerializeToString())
    train.to_csv("out/train.csv", index=False)
    right = model.predict(test[columns].to_numpy(dtype="float32")) == test["cultivar"]
    Path("out/metrics.json").write_text(json.dumps({"accuracy": float(right.mean())}))
    print(f"accuracy {right.mean():.3f} on {len(test)} wines")


if __name__ == "__main__":
    main()
