"""Train on some months; the last seven days of them are held out.

Reads out/features.csv, writes out/model/model.onnx, out/table.csv (the rows it was trained on)
and out/holdout.csv.
"""

import argparse
from pathlib import Path

import pandas as pd
from columns import CATEGORIES, FEATURES, NUMBERS, TARGET
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

HELD_OUT_DAYS = 7


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, required=True, help="first month to train on")
    parser.add_argument("--last", type=int, required=True, help="last month to train on")
    parser.add_argument("--seed", type=int, required=True)
    return parser.parse_args()


def main() -> None:
    wanted = arguments()
    rows = pd.read_csv("out/features.csv")
    rows = rows[rows["month"].between(wanted.first, wanted.last)]
    rows[NUMBERS] = rows[NUMBERS].astype("float32")
    days = rows["month"] * 100 + rows["day"]
    held_out = days.isin(sorted(days.unique())[-HELD_OUT_DAYS:])
    train, holdout = rows[~held_out], rows[held_out]

    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((encoder, CATEGORIES), ("passthrough", NUMBERS)),
        HistGradientBoostingRegressor(max_iter=150, learning_rate=0.08, random_state=wanted.seed),
    )
    model.fit(train[FEATURES], train[TARGET])

    inputs = [(name, StringTensorType([None, 1])) for name in CATEGORIES]
    inputs += [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    Path("out/model").mkdir(parents=True, exist_ok=True)
    Path("out/model/model.onnx").write_bytes(
        to_onnx(model, initial_types=inputs).SerializeToString()
    )
    train[[*FEATURES, TARGET]].to_csv("out/table.csv", index=False)
    holdout[[*FEATURES, TARGET]].to_csv("out/holdout.csv", index=False)
    print(f"trained on {len(train):,} flights, {len(holdout):,} held out")


if __name__ == "__main__":
    main()
