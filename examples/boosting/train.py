"""Boost trees in blocks of rounds; each block begins with the file that the one before wrote.

A training that was cut off therefore does just what one does that was not: it reads the last block
and goes on. Nothing is left in memory that the file does not hold.
"""

import argparse
import json
import os
from pathlib import Path

import lightgbm
import numpy as np

import sealift

BLOCK = 10
KEPT = Path(os.environ["SEALIFT_CHECKPOINTS"])
SETTINGS = {
    "objective": "regression",
    "num_leaves": 31,
    "learning_rate": 0.05,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": int(os.environ["SEALIFT_SEED"]),
    "verbose": -1,
}


def rows(count, seed):
    """A table with a target that trees can learn."""
    chance = np.random.default_rng(seed)
    table = chance.normal(size=(count, 12))
    return table, np.sin(table[:, 0]) * table[:, 1] + 0.1 * chance.normal(size=count)


def boost(table, target, rounds):
    """The model after so many rounds, as the text of its file."""
    last = KEPT / "model.txt"
    while (done := trees(last)) < rounds:
        print(f"goes on from round {done}", flush=True)
        data = lightgbm.Dataset(table, target, free_raw_data=False)
        before = lightgbm.Booster(model_file=last) if done else None
        after = lightgbm.train(SETTINGS, data, min(BLOCK, rounds - done), init_model=before)
        error = float(np.mean((after.predict(table) - target) ** 2))
        sealift.log_metric("mse", error, step=done + BLOCK)
        sealift.flush()
        after.save_model(KEPT / "new.txt")
        (KEPT / "new.txt").replace(last)
    return last.read_text()


def trees(model):
    """How many rounds a kept model has."""
    return lightgbm.Booster(model_file=model).num_trees() if model.exists() else 0


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--rounds", type=int, required=True)
    rounds = words.parse_args().rounds
    model = Path("out/model.txt")
    model.write_text(boost(*rows(20_000, 1), rounds))
    table, target = rows(5_000, 2)
    guess = lightgbm.Booster(model_file=model).predict(table)
    error = float(np.mean((guess - target) ** 2))
    Path("out/metrics.json").write_text(json.dumps({"mse": error}))


if __name__ == "__main__":
    main()
