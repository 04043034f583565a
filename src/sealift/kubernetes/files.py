"""Objects as files for review: one YAML file an object, and what would change in a folder."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from sealift.errors import MachineError, UsageError
from sealift.kubernetes.objects import Object
from sealift.whole import whole

HEAD = "# Written by `sealift compile`; what is changed here by hand is lost the next time.\n"
_NAME = re.compile(r"[a-z]+-[a-z0-9.-]+\.yaml")


def text(objects: Sequence[Object]) -> str:
    """All objects as one stream of YAML documents."""
    return "---\n".join(map(_document, objects))


def named(objects: Sequence[Object]) -> dict[str, str]:
    """The contents of the files by their names.

    >>> list(named([{"kind": "Service", "metadata": {"name": "delays-v3"}}]))
    ['service-delays-v3.yaml']
    """
    return {_name(one): HEAD + _document(one) for one in objects}


def difference(files: dict[str, str], folder: Path) -> str:
    """What writing the files to a folder would change, as a unified diff; empty for nothing."""
    held = _held(folder)
    parts: list[str] = []
    for name in sorted(held.keys() | files.keys()):
        before, after = held.get(name), files.get(name)
        if before == after:
            continue
        parts += difflib.unified_diff(
            (before or "").splitlines(keepends=True),
            (after or "").splitlines(keepends=True),
            "/dev/null" if before is None else f"a/{name}",
            "/dev/null" if after is None else f"b/{name}",
        )
    return "".join(parts)


def write(files: dict[str, str], folder: Path) -> None:
    """Make a folder hold the files; others that were written here before are removed.

    Raises ``UsageError`` for a folder with files of somebody else under these names, and
    ``MachineError`` where it cannot be written.
    """
    held = _held(folder)
    for name in files:
        if (folder / name).exists() and name not in held:
            raise UsageError(
                "The file was not written by `sealift compile`.",
                where=str(folder / name),
                remedy="Move it away, or name another folder.",
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with whole(folder / name, "The manifest") as file:
                file.write(content.encode())
        for name in held.keys() - files.keys():
            (folder / name).unlink()
    except OSError as error:
        raise MachineError(
            f"The manifests cannot be written: {error.strerror}.", where=str(folder)
        ) from error


def _held(folder: Path) -> dict[str, str]:
    """The files of a folder that were written here."""
    found: dict[str, str] = {}
    try:
        for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
            content = path.read_text(encoding="utf-8", errors="replace")
            if _NAME.fullmatch(path.name) and content.startswith(HEAD):
                found[path.name] = content
    except OSError as error:
        raise MachineError(
            f"The manifests cannot be read: {error.strerror}.", where=str(folder)
        ) from error
    return found


def _document(one: Object) -> str:
    return str(yaml.safe_dump(one, sort_keys=False, allow_unicode=True, width=100))


def _name(one: Object) -> str:
    metadata = one["metadata"]
    name = metadata["name"] if isinstance(metadata, dict) else ""
    return f"{str(one['kind']).lower()}-{name}.yaml"


__all__ = ["difference", "named", "text", "write"]
