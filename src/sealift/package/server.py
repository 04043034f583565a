"""The layer of the model server: Sealift's own modules, as far as the entry point needs them.

With them goes the compiled part, for the platform of the image.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

import sealift
from sealift import digest
from sealift.archive import Entry
from sealift.errors import PackageError
from sealift.package import compiled
from sealift.package.notes import Notes

ENTRY_POINT = "sealift.container"
PLACE = "opt/sealift"
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


class Imports(msgspec.Struct, frozen=True):
    """A note on what sources import: names, by the digest of a file."""

    of: dict[str, tuple[str, ...]] = {}


def files(platform: str, notes: Path | None = None) -> Iterator[Entry]:
    """All files of the layer, for a platform such as ``linux/arm64``; ``notes`` as below."""
    yield from entries(notes=notes)
    yield from compiled.entries(platform, PLACE)


def entries(entry_point: str = ENTRY_POINT, notes: Path | None = None) -> Iterator[Entry]:
    """The source files of the entry point and of all that it imports from Sealift.

    ``notes`` is a folder for what they import, so that each is parsed once.
    """
    for name, (path, content) in sorted(modules(entry_point, notes).items()):
        inner = name.replace(".", "/")
        tail = "/__init__.py" if path.name == "__init__.py" else ".py"
        yield Entry(name=f"{PLACE}/{inner}{tail}", kind="file", content=content)


def modules(entry_point: str, notes: Path | None = None) -> dict[str, tuple[Path, bytes]]:
    """The modules of Sealift that one imports, however indirectly: their files, and what is there.

    Packages above a module count, since they are imported first. Raises ``PackageError`` when
    this installation lacks the entry point.
    """
    kept, key = Notes(notes) if notes else None, digest.of_file(Path(__file__))
    known = ((kept.get(key, Imports) if kept else None) or Imports()).of
    found, seen = _reached(entry_point, known)
    if kept and seen != known:
        kept.put(key, Imports(seen))
    return found


def _reached(
    entry_point: str, known: dict[str, tuple[str, ...]]
) -> tuple[dict[str, tuple[Path, bytes]], dict[str, tuple[str, ...]]]:
    """The modules, and what each imports: as it is ``known``, else as the file says."""
    found: dict[str, tuple[Path, bytes]] = {}
    imports: dict[str, tuple[str, ...]] = {}
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
        content = path.read_bytes()
        found[name] = path, content
        above, mark = name.rpartition(".")[0], digest.of_bytes(content)
        waiting += [above] if above else []
        imports[mark] = known.get(mark) or tuple(_imports(content))
        waiting += imports[mark]
    return found, imports


def third_parties(entry_point: str = ENTRY_POINT) -> set[str]:
    """The names of the other packages that these modules import, the standard library included."""
    found = [content for _, content in modules(entry_point).values()]
    return {name.partition(".")[0] for one in found for name in _imports(one)} - {"sealift"}


def _source(name: str) -> Path | None:
    if name.partition(".")[0] != "sealift":
        return None
    root = Path(sealift.__file__).parent.parent
    path = root.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imports(content: bytes) -> list[str]:
    names = []
    for node in _statements(ast.parse(content)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements that run, at any depth: expressions hold no imports, and what stands under
    ``if TYPE_CHECKING`` is for readers of types.
    """
    typing = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    for field in _BODIES[1:] if typing else _BODIES:
        for one in getattr(node, field, ()):
            yield one
            yield from _statements(one)


__all__ = ["ENTRY_POINT", "PLACE", "entries", "files", "modules", "third_parties"]
