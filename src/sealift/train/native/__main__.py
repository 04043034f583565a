"""``python -m native convert|compare``: make an ONNX model, or hold it to its golden vectors.

Reads /in (settings.json, the model, table; to compare also golden.json), writes /out/model.onnx.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .load import load
from .said import Failure, say
from .table import read
from .trial import convert, hold


def main(words: Sequence[str], inputs: Path, target: Path) -> int:
    """Do what the first word says; the exit status."""
    settings = json.loads((inputs / "settings.json").read_text())
    classify: bool = settings["classify"]
    try:
        table = read(inputs / "table", settings["without"])
        model = load(inputs / settings["file"], settings["form"], table, settings["requirements"])
        if words[0] == "convert":
            convert(
                model,
                table,
                classify=classify,
                target=target / "model.onnx",
                requirements=settings["requirements"],
            )
        else:
            golden = json.loads((inputs / "golden.json").read_text())
            hold(model, table, golden, classify=classify)
    except Failure as failure:
        said = {"error": failure.what, "where": failure.where, "remedy": failure.remedy}
        say("failed", kind="PackageError", **said)
        return 7
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path("/in"), Path("/out")))
