"""KServe's SDK: a model class in its server."""

import os

import kserve
from digits import Digits
from kserve import InferOutput, InferRequest, InferResponse
from kserve.utils.utils import generate_uuid


class Model(kserve.Model):
    def __init__(self):
        super().__init__("digits")
        self.load()

    def load(self):
        self.model = Digits()
        self.ready = True
        return True

    async def predict(self, payload: InferRequest, headers=None, response_headers=None):
        label, probabilities = self.model(payload.inputs[0].as_numpy())
        outputs = []
        for name, kind, array in (
            ("label", "INT64", label),
            ("probabilities", "FP32", probabilities),
        ):
            output = InferOutput(name=name, shape=list(array.shape), datatype=kind)
            output.set_data_from_numpy(array, binary_data=payload.from_grpc)
            outputs.append(output)
        return InferResponse(
            response_id=payload.id or generate_uuid(), model_name="digits", infer_outputs=outputs
        )


if __name__ == "__main__":
    server = kserve.ModelServer(
        http_port=int(os.environ["PORT"]),
        grpc_port=int(os.environ["GRPC_PORT"]),
        workers=int(os.environ["WORKERS"]),
        access_log_format=None,
    )
    server.start([Model()])
