"""What only loading needed is let go of, and a model runs on as before."""

import subprocess
import sys

SCENE = """
import re, sys
from pathlib import Path
import numpy as np
from sealift.serve import footprint
from sealift.serve.model import load

def resident():
    total, runtime = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if re.match("[0-9a-f]+-", line):
            runtime = "onnxruntime_pybind11_state" in line
        elif runtime and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total

model = load(Path(sys.argv[1]) / "model.onnx", threads=1)
rows = {"X": np.array([[0.5, -1.0, 2.0]], np.float32)}
first = model.run(rows)["y"].tobytes()
before = resident()
footprint.lessen()
after = resident()
assert model.run(rows)["y"].tobytes() == first
assert load(Path(sys.argv[1]) / "model.onnx", threads=1).run(rows)["y"].tobytes() == first
print(before, after)
"""


def test_pages_of_the_runtime_are_let_go_and_come_back_when_they_are_wanted(tensor_folder):
    """The model says the same as before, and another can be loaded."""
    command = [sys.executable, "-c", SCENE, str(tensor_folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    before, after = map(int, done.stdout.split())

    assert after < before / 2
