"""A program of the user's own that loads and asks the model: its files, as the run saw them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from sealift import digest
from sealift.errors import ProjectError
from sealift.ports import Store
from sealift.record.project import ModelSettings
from sealift.record.run import Run
from sealift.train.told import PROGRAM

CODE = "code"
FILES = "files"
"""The folders of a model with the program, and with what the step wrote."""

_CACHES = "__pycache__"


def code(run: Run, settings: ModelSettings, store: Store) -> dict[str, Path]:
    """The program's files by their names in the image; none without a program.

    A single file is called ``predict.py`` there, a folder has one of that name. Raises
    ``ProjectError`` when the run did not see it.
    """
    if not settings.predict:
        return {}
    root = store.tree(run.code.digest) / PurePosixPath(settings.predict)
    if root.is_file():
        return {PROGRAM: root}
    if (root / PROGRAM).is_file():
        files = {path.relative_to(root).as_posix(): path for path in digest.walk(root)}
        return {name: path for name, path in files.items() if _CACHES not in Path(name).parts}
    what = f"has no {PROGRAM}" if root.is_dir() else "is no file of the project, or git ignores it"
    raise ProjectError(
        f"{settings.predict!r} {what}.",
        where="sealift.toml: model.predict",
        remedy=f"Name a Python file with load(folder) and predict(model, inputs), or a folder with "
        f"{PROGRAM}; docs/your-model.md shows one.",
    )


def gather(program: Mapping[str, Path], source: Path, called: str, folder: Path) -> None:
    """Copy a program and what its step wrote to where they lie in the folder of a model.

    ``called`` is the name of ``source`` where that is a file.
    """
    for name, path in program.items():
        target = folder / CODE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    if source.is_dir():
        shutil.copytree(source, folder / FILES, symlinks=True)
    else:
        (folder / FILES).mkdir()
        shutil.copy(source, folder / FILES / called)


__all__ = ["CODE", "FILES", "code", "gather"]
