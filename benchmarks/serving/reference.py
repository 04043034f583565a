"""What no server with this model can go below: importing onnxruntime and loading the model."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import program
from sealift import clock

PROGRAM = """
import sys, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
for line in open("/proc/self/smaps_rollup"):
    if line.startswith("Pss:"):
        print(int(line.split()[1]) * 1024)
"""


@dataclass(frozen=True)
class Reference:
    """Seconds from the start of the process to its end, and bytes that it held at last."""

    seconds: float
    memory: int


def reference(model: Path) -> Reference:
    """Run it once."""
    began = clock.monotonic()
    said = program.run([sys.executable, "-c", PROGRAM, model]).output
    return Reference(clock.monotonic() - began, int(said))


__all__ = ["Reference", "reference"]
