"""What every runner's steps do: nothing but a file, or the training of a small real model."""

import sys
from pathlib import Path

import numpy as np


def noop(number, folder="out"):
    """Write a line."""
    Path(folder, f"{number}.txt").write_text(f"{number}\n")


def train(seed, folder="out"):
    """Logistic regression by gradient descent on 20,000 rows of 20 columns; its weights."""
    chance = np.random.default_rng(int(seed))
    rows = chance.normal(size=(20_000, 20))
    labels = (rows @ chance.normal(size=20) + chance.normal(size=20_000) > 0).astype(float)
    weights = np.zeros(20)
    for _ in range(150):
        guess = 1.0 / (1.0 + np.exp(-(rows @ weights)))
        weights -= 0.5 * (rows.T @ (guess - labels)) / len(labels)
    np.save(Path(folder, f"{seed}.npy"), weights)


if __name__ == "__main__":
    {"noop": noop, "train": train}[sys.argv[1]](*sys.argv[2:])
