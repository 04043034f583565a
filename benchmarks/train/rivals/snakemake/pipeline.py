"""Write the Snakefile: ``pipeline.py WORK STEPS``."""

import sys
from pathlib import Path

work, steps = sys.argv[1], int(sys.argv[2])
COMMANDS = {
    "noop": ("echo {wildcards.n} > {output}", "out/{n}.txt"),
    "train": ("python work.py train {wildcards.n}", "out/{n}.npy"),
}
command, output = COMMANDS[work]
Path("Snakefile").write_text(
    f"rule all:\n    input: expand('{output}', n=range(1, {steps + 1}))\n\n"
    f"rule step:\n    output: '{output}'\n    shell: '{command}'\n"
)
