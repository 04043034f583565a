"""What no server with this model can go below: importing onnxruntime and loading the model."""

from __future__ import annotations

import os
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
    # as in images, and as ours does by itself: nothing is sent home
    env = os.environ | {"ORT_DISABLE_TELEMETRY": "1"}
    said = program.run([sys.executable, "-c", PROGRAM, model], env=env).output
    return Reference(clock.monotonic() - began, int(said))


__all__ = ["Reference", "reference"]
