"""The model as it is served: texts are made plain, and doubtful ones go to people.

Sealift calls ``load`` once, and ``predict`` with a numpy array for each column of the table.
"""

from pathlib import Path

import numpy as np
import skops.io
from words import plain

ENOUGH = 0.6
"""The least probability that a department is named with."""


def load(folder: Path):
    """The pipeline that train.py wrote."""
    return skops.io.load(folder / "tickets.skops")


def predict(model, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The department, or ``people``; and how sure the model is."""
    probabilities = model.predict_proba([plain(text) for text in inputs["text"]])
    surest = probabilities.max(axis=1)
    named = model.classes_[probabilities.argmax(axis=1)]
    # whoever pays for it talks to people unless there is no doubt
    enough = np.where(inputs["premium"], 0.9, ENOUGH)
    return {
        "department": np.where(surest >= enough, named, "people"),
        "sure": surest.astype(np.float32),
    }
