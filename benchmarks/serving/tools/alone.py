"""Seconds that a call of the model takes from Python: ``alone.py MODEL ROWS SECONDS``."""

import sys
import time

import numpy as np
import onnxruntime

seconds = float(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
rows = np.zeros((int(sys.argv[2]), 64), np.float32)
done, began = 0, time.monotonic()
while time.monotonic() - began < seconds:
    session.run(None, {"X": rows})
    done += 1
sys.stdout.write(f"{(time.monotonic() - began) / done}")
