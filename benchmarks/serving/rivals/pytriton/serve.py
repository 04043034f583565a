"""PyTriton: a function bound to Triton, whose batcher gathers what waits; a copy a worker."""

import os

import numpy as np
from digits import Digits
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

model = Digits()


@batch
def infer(**inputs):
    label, probabilities = model(inputs["X"])
    return {"label": label.reshape(-1, 1), "probabilities": probabilities}


if __name__ == "__main__":
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=int(os.environ["PORT"]),
        grpc_port=int(os.environ["GRPC_PORT"]),
        metrics_port=int(os.environ["OTHER_PORT"]),
        log_verbose=0,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="digits",
            infer_func=[infer] * int(os.environ["WORKERS"]),
            inputs=[Tensor(name="X", dtype=np.float32, shape=(64,))],
            outputs=[
                Tensor(name="label", dtype=np.int64, shape=(1,)),
                Tensor(name="probabilities", dtype=np.float32, shape=(10,)),
            ],
            config=ModelConfig(max_batch_size=128),
            strict=False,
        )
        triton.serve()
