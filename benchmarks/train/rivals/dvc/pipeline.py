"""Write dvc.yaml: ``pipeline.py WORK STEPS``."""

import sys
from pathlib import Path

work, steps = sys.argv[1], int(sys.argv[2])
COMMANDS = {
    "noop": ("echo ${item} > out/${item}.txt", "out/${item}.txt"),
    "train": ("python work.py train ${item}", "out/${item}.npy"),
}
command, output = COMMANDS[work]
numbers = ", ".join(str(number) for number in range(1, steps + 1))
Path("dvc.yaml").write_text(
    f"stages:\n  step:\n    foreach: [{numbers}]\n    do:\n"
    f"      cmd: {command}\n      outs: ['{output}']\n"
)
