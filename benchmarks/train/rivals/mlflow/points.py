"""Log so many points of one metric: ``points.py HOW POINTS``, one by one or in batches of 1,000.

Into the database that its quick start uses, without a server between.
"""

import sys
import time

from mlflow import MlflowClient, set_tracking_uri
from mlflow.entities import Metric

how, count = sys.argv[1], int(sys.argv[2])
set_tracking_uri("sqlite:///mlflow.db")
client = MlflowClient()
run = client.create_run(client.create_experiment("points")).info.run_id
began = time.monotonic()
if how == "single":
    for step in range(count):
        client.log_metric(run, "loss", 1 / (1 + step), step=step)
else:
    for start in range(0, count, 1000):
        steps = range(start, min(start + 1000, count))
        client.log_batch(run, [Metric("loss", 1 / (1 + step), 0, step) for step in steps])
client.set_terminated(run)
sys.stdout.write(f"{time.monotonic() - began}\n")
