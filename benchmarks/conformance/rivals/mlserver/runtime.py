"""MLServer with a runtime of its own for the model: the codecs that its documentation names."""

import os

import onnxruntime
from mlserver import MLModel, types
from mlserver.codecs import NumpyCodec, StringCodec


class Mixed(MLModel):
    async def load(self):
        place = os.environ["MODEL_FOLDER"] + "/model.onnx"
        self.session = onnxruntime.InferenceSession(place, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload):
        feeds = {}
        for one in payload.inputs:
            if one.datatype == "BYTES":
                words = StringCodec.decode_input(one)
                feeds[one.name] = [[word] for word in words]
            else:
                feeds[one.name] = NumpyCodec.decode_input(one)
        y, echo = self.session.run(["y", "echo"], feeds)
        words = [word for row in echo.tolist() for word in row]
        return types.InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[
                NumpyCodec.encode_output("y", y),
                StringCodec.encode_output("echo", words),
            ],
        )
