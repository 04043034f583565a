"""Ray Serve: a deployment with as many replicas as workers; no dashboard, no usage report."""

import os
import signal

import ray
from digits import Digits
from ray import serve

workers = int(os.environ["WORKERS"])


@serve.deployment(
    num_replicas=workers, max_ongoing_requests=64, ray_actor_options={"num_cpus": 0.5}
)
class Deployment:
    def __init__(self):
        self.model = Digits()

    async def __call__(self, request):
        label, probabilities = self.model((await request.json())["inputs"])
        return {"label": label.tolist(), "probabilities": probabilities.tolist()}


ray.init(include_dashboard=False, num_cpus=4, object_store_memory=100 << 20, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
serve.run(Deployment.bind(), route_prefix="/predict")
signal.sigwait([signal.SIGTERM, signal.SIGINT])
ray.shutdown()
