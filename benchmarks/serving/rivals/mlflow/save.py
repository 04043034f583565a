"""Save the model as MLflow does: ``save.py ONNX FOLDER``."""

import shutil
import sys

import mlflow.onnx
import numpy as np
import onnx
from mlflow.models import infer_signature

shutil.rmtree(sys.argv[2], ignore_errors=True)
mlflow.onnx.save_model(
    onnx.load(sys.argv[1]),
    sys.argv[2],
    signature=infer_signature(np.zeros((1, 64), np.float32)),
    onnx_session_options={"intra_op_num_threads": 1, "inter_op_num_threads": 1},
)
