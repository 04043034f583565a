"""The model as every rival loads it: onnxruntime, one thread, as its servers run beside others."""

import os

import numpy as np
import onnxruntime


class Digits:
    """Asks the model; the path is in ``MODEL``."""

    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            os.environ["MODEL"], options, providers=["CPUExecutionProvider"]
        )

    def __reduce__(self):
        """Another process loads it anew."""
        return Digits, ()

    def __call__(self, rows):
        """The labels and the probabilities."""
        return self._session.run(None, {"X": np.asarray(rows, np.float32)})
