"""LitServe: an API class, as many API processes as workers, its faster queue."""

import os

import litserve
from digits import Digits


class Api(litserve.LitAPI):
    def setup(self, device):
        self.model = Digits()

    def decode_request(self, request):
        return request["inputs"]

    def predict(self, rows):
        return self.model(rows)

    def encode_response(self, output):
        label, probabilities = output
        return {"label": label.tolist(), "probabilities": probabilities.tolist()}


if __name__ == "__main__":
    workers = int(os.environ["WORKERS"])
    server = litserve.LitServer(
        Api(), accelerator="cpu", workers_per_device=workers, fast_queue=True
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=workers,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
