"""A pipeline of components run here, a process each: ``pipeline.py WORK STEPS``."""

import sys
from pathlib import Path

from kfp import dsl, local

FOLDER = str(Path.cwd())


@dsl.component(install_kfp_package=False)
def one(kind: str, number: int, folder: str):
    """A step."""
    import sys  # noqa: PLC0415 - a component is its function alone

    sys.path.insert(0, folder)
    import work  # noqa: PLC0415

    getattr(work, kind)(number, f"{folder}/out")


@dsl.pipeline
def fan(kind: str, folder: str):
    """One task a number."""
    for number in range(1, int(sys.argv[2]) + 1):
        one(kind=kind, number=number, folder=folder)


if __name__ == "__main__":
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root="outputs")
    fan(kind=sys.argv[1], folder=FOLDER)
