"""KServe's server with a model of its own: inputs by as_numpy, outputs by set_data_from_numpy."""

import os

import onnxruntime
from kserve import InferOutput, InferResponse, Model, ModelServer
from kserve.utils.utils import generate_uuid


class Mixed(Model):
    def load(self):
        place = os.environ["MODEL_FOLDER"] + "/model.onnx"
        self.session = onnxruntime.InferenceSession(place, providers=["CPUExecutionProvider"])
        self.ready = True
        return True

    def get_input_types(self):
        return [
            {"name": "x", "datatype": "FP32", "shape": [-1, 4]},
            {"name": "n", "datatype": "INT64", "shape": [-1, 1]},
            {"name": "word", "datatype": "BYTES", "shape": [-1, 1]},
        ]

    def get_output_types(self):
        return [
            {"name": "y", "datatype": "FP32", "shape": [-1, 1]},
            {"name": "echo", "datatype": "BYTES", "shape": [-1, 1]},
        ]

    def predict(self, payload, headers=None, response_headers=None):
        feeds = {one.name: one.as_numpy() for one in payload.inputs}
        y, echo = self.session.run(["y", "echo"], feeds)
        number = InferOutput("y", list(y.shape), "FP32")
        number.set_data_from_numpy(y, binary_data=False)
        word = InferOutput("echo", list(echo.shape), "BYTES")
        word.set_data_from_numpy(echo, binary_data=False)
        return InferResponse(payload.id or generate_uuid(), self.name, [number, word])


if __name__ == "__main__":
    model = Mixed("mixed")
    model.load()
    http, grpc = int(os.environ["HTTP_PORT"]), int(os.environ["GRPC_PORT"])
    ModelServer(http_port=http, grpc_port=grpc).start([model])
