"""The service of the example's model, as BentoML's documentation writes one."""

import bentoml
import pandas as pd


@bentoml.service(workers=1)
class Flights:
    model = bentoml.models.BentoModel("flights:latest")

    def __init__(self) -> None:
        self.pipeline = bentoml.sklearn.load_model(self.model)

    @bentoml.api
    def predict(self, rows: list[dict]) -> list[float]:
        return self.pipeline.predict(pd.DataFrame(rows)).tolist()
