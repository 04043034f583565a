"""``python -m sealift.control --root DIR``: the controller of a project, until SIGTERM."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sealift.control.supervisor import Supervisor, tell
from sealift.errors import SealiftError
from sealift.wiring import Wired


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sealift.control", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder with sealift.toml")
    try:
        Supervisor(Wired(parser.parse_args().root)).run()
    except SealiftError as error:
        tell("refused", what=error.what, where=error.where, next=error.remedy)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
