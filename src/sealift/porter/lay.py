"""Laying out what the porter's image holds, where a step will find it: ``lay PLAN``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sealift import process
from sealift.kubernetes.porter import Laying
from sealift.porter.probe import probing
from sealift.porter.telling import telling


def main(arguments: Sequence[str]) -> int:
    """Lay out the plan that the first argument is; the exit status."""
    return telling(lambda: lay(msgspec.json.decode(arguments[0], type=Laying)))


def lay(plan: Laying) -> str:
    """Lay everything out, each thing wholly or not at all; what was found of the network."""
    with probing(plan.probed) as found:
        for one in plan.laid:
            if not (one.lasting and os.path.lexists(one.target)):
                _copy(Path(one.source), Path(one.target))
    return found()


def _copy(source: Path, target: Path) -> None:
    remove(target)
    part = target.with_name(f"{target.name}.part")
    remove(part)
    if source.is_dir():
        shutil.copytree(source, part, symlinks=True)
    else:
        shutil.copy2(source, part)
    part.rename(target)


def remove(path: Path) -> None:
    """Remove a file or a folder, whatever modes its folders have."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path)


if __name__ == "__main__":
    process.exit_now(main(sys.argv[1:]))


__all__ = ["lay", "main", "remove"]
