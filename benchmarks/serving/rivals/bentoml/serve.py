"""BentoML: a service class; the number of its workers is a setting."""

import os
from typing import Annotated

import bentoml
import numpy as np
from bentoml.validators import DType, Shape
from digits import Digits


@bentoml.service(workers=int(os.environ["WORKERS"]), traffic={"timeout": 30})
class Service:
    def __init__(self) -> None:
        self.model = Digits()

    @bentoml.api
    def predict(self, inputs: Annotated[np.ndarray, Shape((-1, 64)), DType("float32")]) -> dict:
        label, probabilities = self.model(inputs)
        return {"label": label.tolist(), "probabilities": probabilities.tolist()}
