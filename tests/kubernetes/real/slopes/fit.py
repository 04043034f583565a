"""Fit a line through points with numpy, and write it as ONNX."""

import argparse
import csv
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FATAL = 4242.5
"""What the flawed model cannot answer; no point of the table is there."""


def main() -> None:
    """The model goes to out/model, the table that it was fitted to beside it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--degree", type=int)
    parser.add_argument("--flaw", type=int)
    wanted = parser.parse_args()
    with Path("data/points.csv").open() as file:
        points = [
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(file)
        ]
    x, y = (np.array([one[name] for one in points]) for name in ("x", "y"))
    weights = np.polyfit(x, y, wanted.degree)[::-1]

    Path("out/model").mkdir(parents=True, exist_ok=True)
    onnx.save(graph(weights, flaw=bool(wanted.flaw)), "out/model/model.onnx")
    with Path("out/table.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["x", "y"])
        rows.writerows(zip(x.tolist(), y.tolist(), strict=True))


def graph(weights, *, flaw):
    """A polynomial; with the flaw, a look-up beyond a table for one value."""
    held = {
        **{f"w{power}": np.float32(weight) for power, weight in enumerate(weights)},
        "fatal": np.float32(FATAL),
        "far": np.int64(99 if flaw else 0),
        "nothing": np.zeros(1, np.float32),
    }
    nodes = [
        helper.make_node("Identity", ["w0"], ["sum0"]),
        helper.make_node("Identity", ["x"], ["x1"]),
    ]
    for power in range(1, len(weights)):
        nodes += [
            helper.make_node("Mul", [f"x{power}", "x"], [f"x{power + 1}"]),
            helper.make_node("Mul", [f"x{power}", f"w{power}"], [f"part{power}"]),
            helper.make_node("Add", [f"sum{power - 1}", f"part{power}"], [f"sum{power}"]),
        ]
    nodes += [
        helper.make_node("Equal", ["x", "fatal"], ["met"]),
        helper.make_node("Cast", ["met"], ["one"], to=TensorProto.INT64),
        helper.make_node("Mul", ["one", "far"], ["place"]),
        helper.make_node("Gather", ["nothing", "place"], ["more"]),
        helper.make_node("Add", [f"sum{len(weights) - 1}", "more"], ["y"]),
    ]
    column = ["rows", 1]
    made = helper.make_graph(
        nodes,
        "line",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, column)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, column)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    main()
