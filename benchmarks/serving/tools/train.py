"""Train the model, and keep it with its table and rows to ask it: ``train.py FOLDER``.

A perceptron with layers of 128 and 64 on scikit-learn's images of digits, 8 x 8 pixels from 0 to
16; ``sum.onnx`` only adds 625 columns up, so that little but the tensor's way costs time.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

ROWS = 32
WIDE = 625

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
digits = load_digits()
images = digits.data.astype(np.float32)
model = MLPClassifier((128, 64), max_iter=300, random_state=0).fit(images, digits.target)
options = {"zipmap": False}
exported = to_onnx(model, images[:1], options=options, target_opset=17)
(folder / "digits.onnx").write_bytes(exported.SerializeToString())

total = helper.make_graph(
    [helper.make_node("ReduceSum", ["X", "axes"], ["total"], keepdims=1)],
    "sum",
    [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["N", WIDE])],
    [helper.make_tensor_value_info("total", TensorProto.FLOAT, ["N", 1])],
    [helper.make_tensor("axes", TensorProto.INT64, [1], [1])],
)
opset = [helper.make_opsetid("", 17)]
onnx.save(helper.make_model(total, opset_imports=opset, ir_version=9), str(folder / "sum.onnx"))


def table(path, columns, target, answers):
    """A table to learn the contract from."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*(f"p{number}" for number in range(len(columns[0]))), target])
        writer.writerows([*row, answer] for row, answer in zip(columns, answers, strict=True))


table(folder / "digits.csv", images.tolist(), "digit", digits.target.tolist())
wide = np.resize(images, (200, WIDE))
table(folder / "sum.csv", wide.tolist(), "total", wide.sum(axis=1).tolist())
asked = images[:ROWS]
told = {"rows": asked.tolist(), "labels": model.predict(asked).tolist()}
(folder / "rows.json").write_text(json.dumps(told))
