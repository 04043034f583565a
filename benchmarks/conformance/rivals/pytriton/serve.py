"""PyTriton, which is Triton with a function of Python behind it."""

import os

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

PLACE = os.environ["MODEL_FOLDER"] + "/model.onnx"


def main():
    session = onnxruntime.InferenceSession(PLACE, providers=["CPUExecutionProvider"])

    @batch
    def infer(x, n, word):
        words = np.char.decode(word.astype(np.bytes_), "utf-8").astype(object)
        y, echo = session.run(["y", "echo"], {"x": x, "n": n, "word": words})
        return {"y": y, "echo": np.char.encode(echo.astype(np.str_), "utf-8")}

    config = TritonConfig(
        http_port=int(os.environ["HTTP_PORT"]),
        grpc_port=int(os.environ["GRPC_PORT"]),
        metrics_port=int(os.environ["METRICS_PORT"]),
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="mixed",
            infer_func=infer,
            inputs=[
                Tensor(name="x", dtype=np.float32, shape=(4,)),
                Tensor(name="n", dtype=np.int64, shape=(1,)),
                Tensor(name="word", dtype=np.bytes_, shape=(1,)),
            ],
            outputs=[
                Tensor(name="y", dtype=np.float32, shape=(1,)),
                Tensor(name="echo", dtype=np.bytes_, shape=(1,)),
            ],
            config=ModelConfig(max_batch_size=4096, batcher=DynamicBatcher()),
        )
        triton.serve()


if __name__ == "__main__":
    main()
