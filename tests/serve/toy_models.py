"""Small models made by hand, and the tables they are learnt from."""

import csv
import json
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper

CARRIERS = ("AA", "DL", "UA")


def save(path, nodes, inputs, outputs, initializers=(), extra=()):
    """Write a checked model."""
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info(*tensor) for tensor in inputs],
        [*(helper.make_tensor_value_info(*tensor) for tensor in outputs), *extra],
        list(initializers),
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))


def number(name, *values, kind=TensorProto.FLOAT):
    """A constant."""
    shape = [] if len(values) == 1 else [len(values)]
    return helper.make_tensor(name, kind, shape, values)


def columns_model(path):
    """delay = 2 * hour + weight[carrier] + 0.01 * distance + 5 * holiday; distance may be NaN."""
    save(
        path,
        [
            helper.make_node(
                "LabelEncoder",
                ["carrier"],
                ["weight"],
                domain="ai.onnx.ml",
                keys_strings=list(CARRIERS),
                values_floats=[1.0, 2.0, 3.0],
                default_float=9.0,
            ),
            helper.make_node("Cast", ["hour"], ["hours"], to=TensorProto.FLOAT),
            helper.make_node("Cast", ["holiday"], ["holidays"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["holidays", "one"], ["holidays2"]),
            helper.make_node("IsNaN", ["distance"], ["unknown"]),
            helper.make_node("Where", ["unknown", "typical", "distance"], ["known"]),
            helper.make_node("Mul", ["hours", "two"], ["a"]),
            helper.make_node("Mul", ["known", "hundredth"], ["b"]),
            helper.make_node("Mul", ["holidays2", "five"], ["c"]),
            helper.make_node("Sum", ["a", "b", "c", "weight"], ["delay"]),
        ],
        [
            ("hour", TensorProto.INT64, ["N", 1]),
            ("carrier", TensorProto.STRING, ["N", 1]),
            ("distance", TensorProto.FLOAT, ["N", 1]),
            ("holiday", TensorProto.BOOL, ["N"]),
        ],
        [("delay", TensorProto.FLOAT, ["N", 1])],
        [
            number("two", 2.0),
            number("hundredth", 0.01),
            number("five", 5.0),
            number("typical", 1000.0),
            helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        ],
    )


def columns_table(path, rows=200):
    """Rows for ``columns_model``, with a column that it does not use."""
    random = np.random.default_rng(11)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["tail", "carrier", "hour", "distance", "holiday", "delay"])
        for row in range(rows):
            hour, distance = random.integers(5, 24), random.uniform(90, 2500)
            writer.writerow(
                [
                    f"N{row}",
                    CARRIERS[row % 3],
                    hour,
                    "" if row % 20 == 7 else round(float(distance), 1),
                    "true" if row % 9 == 0 else "false",
                    round(2 * float(hour) + float(random.normal()), 3),
                ]
            )


def tensor_model(path, width=3, weights=(0.5, -1.25, 2.0)):
    """y = x . weights + 1, over one tensor."""
    save(
        path,
        [
            helper.make_node("MatMul", ["X", "W"], ["m"]),
            helper.make_node("Add", ["m", "one"], ["y"]),
        ],
        [("X", TensorProto.FLOAT, ["N", width])],
        [("y", TensorProto.FLOAT, ["N", 1])],
        [
            helper.make_tensor("W", TensorProto.FLOAT, [width, 1], weights),
            number("one", 1.0),
        ],
    )


def tensor_table(path, rows=150):
    """Rows for ``tensor_model``."""
    random = np.random.default_rng(12)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["a", "b", "c", "y"])
        for values in random.normal(size=(rows, 3)).round(4).tolist():
            writer.writerow([*values, round(values[0] - values[1], 3)])


def classes_model(path):
    """A linear classifier of two inputs into the classes 3 and 7, with probabilities."""
    save(
        path,
        [
            helper.make_node(
                "LinearClassifier",
                ["X"],
                ["label", "scores"],
                domain="ai.onnx.ml",
                classlabels_ints=[3, 7],
                coefficients=[1.0, 0.5, -1.0, -0.5],
                intercepts=[0.1, -0.1],
                post_transform="SOFTMAX",
            )
        ],
        [("X", TensorProto.FLOAT, ["N", 2])],
        [("label", TensorProto.INT64, ["N"]), ("scores", TensorProto.FLOAT, ["N", 2])],
    )


def classes_table(path, rows=100):
    """Rows for ``classes_model``."""
    random = np.random.default_rng(13)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["p", "q", "kind"])
        for p, q in random.normal(size=(rows, 2)).round(4).tolist():
            writer.writerow([p, q, "3.0" if p + q > 0 else "7.0"])


def zipmap_model(path, outputs=(("label", TensorProto.INT64, ["N"]),)):
    """A classifier whose probabilities are maps."""
    save(
        path,
        [
            helper.make_node(
                "LinearClassifier",
                ["X"],
                ["label", "scores"],
                domain="ai.onnx.ml",
                classlabels_ints=[0, 1],
                coefficients=[1.0, 1.0, 1.0, -1.0, -1.0, -1.0],
                intercepts=[0.0, 0.0],
            ),
            helper.make_node(
                "ZipMap", ["scores"], ["maps"], domain="ai.onnx.ml", classlabels_int64s=[0, 1]
            ),
        ],
        [("X", TensorProto.FLOAT, ["N", 3])],
        outputs,
        extra=[
            helper.make_value_info(
                "maps",
                helper.make_sequence_type_proto(
                    helper.make_map_type_proto(
                        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
                    )
                ),
            )
        ],
    )


def labelled_table(path):
    """The rows for ``tensor_model`` with a class each."""
    tensor_table(path)
    lines = path.read_text().splitlines()
    rows = [f"{line.rpartition(',')[0]},{number % 2}" for number, line in enumerate(lines[1:])]
    path.write_text("\n".join([lines[0], *rows]))


def slow_model(path):
    """Multiplies large matrices, which takes many milliseconds."""
    size = 500
    weights = helper.make_tensor("W", TensorProto.FLOAT, [3, size], [0.001] * 3 * size)
    square = helper.make_tensor("S", TensorProto.FLOAT, [size, size], [1e-3] * size * size)
    last = helper.make_tensor("L", TensorProto.FLOAT, [size, 1], [1e-3] * size)
    chain = [f"h{step}" for step in range(60)]
    save(
        path,
        [
            helper.make_node("MatMul", ["X", "W"], [chain[0]]),
            *(
                helper.make_node("MatMul", [before, "S"], [after])
                for before, after in pairwise(chain)
            ),
            helper.make_node("MatMul", [chain[-1], "L"], ["y"]),
        ],
        [("X", TensorProto.FLOAT, ["N", 3])],
        [("y", TensorProto.FLOAT, ["N", 1])],
        [weights, square, last],
    )


def settings(path, **given):
    """The project's settings of a model, as learning reads them."""
    base = {"from": "train.model", "task": "regression", "table": "train.table"}
    path.write_text(json.dumps({**base, **given}))
