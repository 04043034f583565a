"""The layer of the model server: Sealift's own modules, as far as the entry point needs them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import sealift
from sealift.archive import Entry
from sealift.errors import PackageError

ENTRY_POINT = "sealift.container"
PLACE = "opt/sealift"
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


def entries(entry_point: str = ENTRY_POINT) -> Iterator[Entry]:
    """The source files of the entry point and of all that it imports from Sealift."""
    for name, path in sorted(modules(entry_point).items()):
        inner = name.replace(".", "/")
        tail = "/__init__.py" if path.name == "__init__.py" else ".py"
        yield Entry(name=f"{PLACE}/{inner}{tail}", kind="file", content=path.read_bytes())


def modules(entry_point: str) -> dict[str, Path]:
    """The modules of Sealift that one imports, however indirectly, with their files.

    Packages above a module count, since they are imported first. Raises ``PackageError`` when
    this installation lacks the entry point.
    """
    found: dict[str, Path] = {}
    seen: set[str] = set()
    waiting = [entry_point]
    if _source(entry_point) is None:
        raise PackageError(
            f"This installation has no module {entry_point!r}.", remedy="Install Sealift again."
        )
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _source(name)
        if path is None:
            continue
        found[name] = path
        above = name.rpartition(".")[0]
        waiting += [above] if above else []
        waiting += _imports(path)
    return found


def third_parties(entry_point: str = ENTRY_POINT) -> set[str]:
    """The names of the other packages that these modules import, the standard library included."""
    found = modules(entry_point).values()
    return {name.partition(".")[0] for path in found for name in _imports(path)} - {"sealift"}


def _source(name: str) -> Path | None:
    if name.partition(".")[0] != "sealift":
        return None
    root = Path(sealift.__file__).parent.parent
    path = root.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imports(path: Path) -> list[str]:
    names = []
    for node in _statements(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements of a module, at any depth: expressions hold no imports."""
    for field in _BODIES:
        for one in getattr(node, field, ()):
            yield one
            yield from _statements(one)


__all__ = ["ENTRY_POINT", "PLACE", "entries", "modules", "third_parties"]
