"""The models that examples of other servers' clients ask for: sums, differences, identities."""

import json

import toy_models as models
from onnx import TensorProto, helper

WIDTH = 16


def folder(path, name, model, kind, outputs, golden):
    """A model folder with a contract written by hand: tensors of sixteen columns."""
    tensors = sorted(golden["row"])
    fields = [
        {
            "name": f"{tensor}[{column}]",
            "type": "string" if kind == "BYTES" else "int",
            "tensor": tensor,
            "dtype": kind,
            "column": column,
            **({"max_length": 64} if kind == "BYTES" else {}),
        }
        for tensor in tensors
        for column in range(WIDTH)
    ]
    contract = {
        "task": "classification",
        "target": "none",
        "fields": fields,
        "outputs": [{"name": one, "dtype": kind, "shape": [-1, WIDTH]} for one in outputs],
        "prediction": outputs[0],
    }
    row = {
        f"{one}[{place}]": value
        for one in tensors
        for place, value in enumerate(golden["row"][one])
    }
    vectors = {"rows": [row], "outputs": {key: [value] for key, value in golden["out"].items()}}
    model(path / "model.onnx")
    (path / "contract.json").write_text(json.dumps(contract))
    (path / "golden.json").write_text(json.dumps(vectors))
    (path / "model.json").write_text(json.dumps({"name": name, "version": 1}))
    return path


def simple(path, name="simple"):
    """OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, whole numbers."""
    shape = ["N", WIDTH]

    def model(target):
        models.save(
            target,
            [
                helper.make_node("Add", ["INPUT0", "INPUT1"], ["OUTPUT0"]),
                helper.make_node("Sub", ["INPUT0", "INPUT1"], ["OUTPUT1"]),
            ],
            [(one, TensorProto.INT32, shape) for one in ("INPUT0", "INPUT1")],
            [(one, TensorProto.INT32, shape) for one in ("OUTPUT0", "OUTPUT1")],
            [],
        )

    left, right = list(range(WIDTH)), [2] * WIDTH
    golden = {
        "row": {"INPUT0": left, "INPUT1": right},
        "out": {"OUTPUT0": [a + 2 for a in left], "OUTPUT1": [a - 2 for a in left]},
    }
    return folder(path, name, model, "INT32", ["OUTPUT0", "OUTPUT1"], golden)


def simple_string(path, name="simple_string"):
    """The same, of whole numbers spelled as texts."""
    shape = ["N", WIDTH]

    def model(target):
        models.save(
            target,
            [
                helper.make_node("Cast", ["INPUT0"], ["a"], to=TensorProto.INT32),
                helper.make_node("Cast", ["INPUT1"], ["b"], to=TensorProto.INT32),
                helper.make_node("Add", ["a", "b"], ["sum"]),
                helper.make_node("Sub", ["a", "b"], ["difference"]),
                helper.make_node("Cast", ["sum"], ["OUTPUT0"], to=TensorProto.STRING),
                helper.make_node("Cast", ["difference"], ["OUTPUT1"], to=TensorProto.STRING),
            ],
            [(one, TensorProto.STRING, shape) for one in ("INPUT0", "INPUT1")],
            [(one, TensorProto.STRING, shape) for one in ("OUTPUT0", "OUTPUT1")],
            [],
        )

    left = list(range(WIDTH))
    golden = {
        "row": {"INPUT0": [str(a) for a in left], "INPUT1": ["2"] * WIDTH},
        "out": {"OUTPUT0": [str(a + 2) for a in left], "OUTPUT1": [str(a - 2) for a in left]},
    }
    return folder(path, name, model, "BYTES", ["OUTPUT0", "OUTPUT1"], golden)


def simple_identity(path, name="simple_identity"):
    """OUTPUT0 = INPUT0, texts."""
    shape = ["N", WIDTH]

    def model(target):
        models.save(
            target,
            [helper.make_node("Identity", ["INPUT0"], ["OUTPUT0"])],
            [("INPUT0", TensorProto.STRING, shape)],
            [("OUTPUT0", TensorProto.STRING, shape)],
            [],
        )

    texts = [f"text {number}" for number in range(WIDTH)]
    golden = {"row": {"INPUT0": texts}, "out": {"OUTPUT0": texts}}
    return folder(path, name, model, "BYTES", ["OUTPUT0"], golden)


KINDS = {
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "FP16": TensorProto.FLOAT16,
    "BF16": TensorProto.BFLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BOOL": TensorProto.BOOL,
}
"""Datatypes of numbers, and ONNX's."""


def kind_model(kind):
    """A writer of a model that gives back its input of a datatype, and its double as FP32."""

    def write(path):
        models.save(
            path,
            [
                helper.make_node("Cast", ["X"], ["x"], to=TensorProto.FLOAT),
                helper.make_node("Add", ["x", "x"], ["double"]),
                helper.make_node("Identity", ["X"], ["same"]),
            ],
            [("X", KINDS[kind], ["N", 1])],
            [("double", TensorProto.FLOAT, ["N", 1]), ("same", KINDS[kind], ["N", 1])],
            [],
        )

    return write


def kind_table(kind):
    """A writer of its table: a column X of small numbers, or truths."""

    def write(path):
        values = ["true", "false"] if kind == "BOOL" else ["0", "1", "2", "100"]
        path.write_text("X,y\n" + "".join(f"{value},1.0\n" for value in values * 5))

    return write
