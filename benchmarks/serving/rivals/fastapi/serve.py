"""FastAPI as its documentation writes a service: types in, types out, the model asked at once."""

import os

import uvicorn
from digits import Digits
from fastapi import FastAPI
from pydantic import BaseModel


class Rows(BaseModel):
    inputs: list[list[float]]


class Classes(BaseModel):
    label: list[int]
    probabilities: list[list[float]]


app = FastAPI()
model = Digits()


@app.post("/predict")
async def predict(rows: Rows) -> Classes:
    label, probabilities = model(rows.inputs)
    return Classes(label=label.tolist(), probabilities=probabilities.tolist())


if __name__ == "__main__":
    workers = int(os.environ["WORKERS"])
    uvicorn.run(
        "serve:app" if workers > 1 else app,
        port=int(os.environ["PORT"]),
        workers=workers,
        access_log=False,
        log_level="warning",
    )
