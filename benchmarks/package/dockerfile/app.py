"""What people put into an image by hand: a model behind two routes, on Python's own server."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import numpy as np
import onnxruntime

MODEL = onnxruntime.InferenceSession("model/model.onnx")
KINDS = {"tensor(string)": object, "tensor(float)": np.float32}


def predict(rows):
    columns = {
        field.name: np.array([[row[field.name]] for row in rows], dtype=KINDS[field.type])
        for field in MODEL.get_inputs()
    }
    return {"predictions": MODEL.run(None, columns)[0].ravel().tolist()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.path == "/v2/health/ready" else 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/predict":
            self.answer(200, msgspec.json.encode(predict(msgspec.json.decode(body)["rows"])))
        else:
            self.answer(404)

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
