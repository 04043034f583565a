"""What people put into an image by hand: a model behind two routes, on the server that we use."""

import msgspec
import numpy as np
import onnxruntime

MODEL = onnxruntime.InferenceSession("model/model.onnx")
KINDS = {"tensor(string)": object, "tensor(float)": np.float32}
JSON = [("content-type", "application/json")]


def predict(rows):
    columns = {
        field.name: np.array([[row[field.name]] for row in rows], dtype=KINDS[field.type])
        for field in MODEL.get_inputs()
    }
    return {"predictions": MODEL.run(None, columns)[0].ravel().tolist()}


async def app(scope, protocol):
    if scope.proto != "http":
        return
    if scope.path == "/predict":
        rows = msgspec.json.decode(await protocol())["rows"]
        protocol.response_bytes(200, JSON, msgspec.json.encode(predict(rows)))
    else:
        protocol.response_empty(200 if scope.path == "/v2/health/ready" else 404, [])
