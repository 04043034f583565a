"""Judge the exported model, not the one in memory, on the days that were held out.

Reads out/model/model.onnx and out/holdout.csv, writes out/metrics.json.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
from columns import CATEGORIES, FEATURES, TARGET


def predict(rows: pd.DataFrame) -> np.ndarray:
    session = onnxruntime.InferenceSession("out/model/model.onnx")
    feed = {
        name: rows[[name]].to_numpy(dtype=object if name in CATEGORIES else np.float32)
        for name in FEATURES
    }
    return session.run(None, feed)[0].ravel()


def main() -> None:
    rows = pd.read_csv("out/holdout.csv")
    errors = rows[TARGET].to_numpy() - predict(rows)
    naive = rows[TARGET].to_numpy() - rows[TARGET].mean()
    metrics = {
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(np.square(errors).mean())),
        "bias": float(errors.mean()),
        "skill": float(1 - np.square(errors).mean() / np.square(naive).mean()),
    }
    Path("out/metrics.json").write_text(json.dumps(metrics, indent=2))
    print(", ".join(f"{name} {value:.2f}" for name, value in metrics.items()))


if __name__ == "__main__":
    main()
