"""Laying out what the porter's image holds, where a step will find it: ``lay PLAN``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sealift import process
from sealift.porter.telling import telling


class Laid(msgspec.Struct, frozen=True):
    """One thing to lay out; what ``lasts`` is left as it is where it is there."""

    source: str
    target: str
    lasting: bool = False


def main(arguments: Sequence[str]) -> int:
    """Lay out the plan that the first argument is; the exit status."""
    return telling(lambda: lay(msgspec.json.decode(arguments[0], type=list[Laid])))


def lay(plan: Sequence[Laid]) -> str:
    """Lay everything out; each thing is there wholly or not at all. There is no more to say."""
    for one in plan:
        source, target = Path(one.source), Path(one.target)
        if one.lasting and os.path.lexists(target):
            continue
        remove(target)
        part = target.with_name(f"{target.name}.part")
        remove(part)
        if source.is_dir():
            shutil.copytree(source, part, symlinks=True)
        else:
            shutil.copy2(source, part)
        part.rename(target)
    return ""


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


__all__ = ["Laid", "lay", "main", "remove"]
