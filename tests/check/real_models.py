"""Two models for the real server: numbers and texts to a number, numbers to a class."""

import json
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from sealift import process

SOURCE = Path(__file__).parents[2] / "src"


def save(path, nodes, inputs, outputs, constants=()):
    """Write a model that the checker of ONNX accepts."""
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info(*tensor) for tensor in inputs],
        [helper.make_tensor_value_info(*tensor) for tensor in outputs],
        list(constants),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True)
    onnx.save(model, str(path))


def delays(folder):
    """Carrier, hour and distance (which may be missing) to a delay in minutes."""
    save(
        folder / "model" / "model.onnx",
        [
            helper.make_node(
                "LabelEncoder",
                ["carrier"],
                ["weight"],
                domain="ai.onnx.ml",
                keys_strings=["DL", "UA"],
                values_floats=[1.0, 2.5],
                default_float=9.0,
            ),
            helper.make_node("Cast", ["hour"], ["hours"], to=TensorProto.FLOAT),
            helper.make_node("IsNaN", ["distance"], ["unknown"]),
            helper.make_node("Where", ["unknown", "typical", "distance"], ["known"]),
            helper.make_node("Sum", ["hours", "known", "weight"], ["delay"]),
        ],
        [
            ("carrier", TensorProto.STRING, ["N", 1]),
            ("hour", TensorProto.INT64, ["N", 1]),
            ("distance", TensorProto.FLOAT, ["N", 1]),
        ],
        [("delay", TensorProto.FLOAT, ["N", 1])],
        [helper.make_tensor("typical", TensorProto.FLOAT, [], [1000.0])],
    )
    lines = ["carrier,hour,distance,delay"]
    for row in range(120):
        distance = "" if row % 17 == 5 else 100 + row * 7.5
        lines.append(f"{('DL', 'UA')[row % 2]},{row % 24},{distance},{row % 24 + 3}")
    (folder / "table").write_text("\n".join(lines) + "\n")
    rules = {"carrier": {"closed": True}, "hour": {"minimum": 0, "maximum": 23}}
    return {"from": "t.m", "table": "t.t", "target": "delay", "task": "regression", "fields": rules}


def kinds(folder):
    """Two numbers in one tensor to one of two classes, with probabilities."""
    classifier = helper.make_node(
        "LinearClassifier",
        ["X"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        classlabels_ints=[3, 7],
        coefficients=[1.0, 0.5, -1.0, -0.5],
        intercepts=[0.1, -0.1],
        post_transform="SOFTMAX",
    )
    save(
        folder / "model" / "model.onnx",
        [classifier],
        [("X", TensorProto.FLOAT, ["N", 2])],
        [("label", TensorProto.INT64, ["N"]), ("scores", TensorProto.FLOAT, ["N", 2])],
    )
    lines = ["a,b,kind"]
    for row in range(80):
        a, b = row % 13 - 6, row % 7 - 3
        lines.append(f"{a / 2},{b / 4},{3 if a + b / 2 > 0 else 7}")
    (folder / "table").write_text("\n".join(lines) + "\n")
    return {"from": "t.m", "table": "t.t", "target": "kind", "task": "classification"}


def learn(make, folder):
    """The model's folder of an image, as the image of the project makes and holds it."""
    source, target = folder / "in", folder / "content" / "model"
    source.mkdir()
    target.mkdir(parents=True)
    settings = make(source)
    (source / "settings.json").write_text(json.dumps(settings))
    done = process.run(
        [sys.executable, "-m", "sealift.container", "learn", source, target],
        env={"PYTHONPATH": str(SOURCE)},
        timeout=120,
    )
    assert done.status == 0, done.text
    (target / "model.onnx").write_bytes((source / "model" / "model.onnx").read_bytes())
    (target / "model.json").write_text('{"name": "flights", "version": 3, "run": "r"}')
    return target
