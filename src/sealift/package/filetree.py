"""The file tree of an image as names only: layers laid over each other, links followed inside."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from sealift.package.elf import Elf
from sealift.package.inventory import Inventory, Wheel

_MOST_LINKS = 40  # as many as Linux follows
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class FileTree:
    """The files of an image; names have no leading slash.

    ``elves`` and ``damaged`` hold what the inventories say of the files that are left, ``owners``
    and ``debs`` which wheel or Debian package brought them, ``wheels`` the wheels by name,
    ``cached`` the linker's cache of libraries.
    """

    def __init__(self, layers: Iterable[Inventory]) -> None:
        self._links: dict[str, str] = {}
        self._files: set[str] = set()
        self._folders: dict[str, str | None] = {}
        self.elves: dict[str, Elf] = {}
        self.damaged: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.debs: dict[str, str] = {}
        self.wheels: dict[str, Wheel] = {}
        self.cached: dict[str, str] = {}
        for layer in layers:
            self._lay(layer)
        self._folders.clear()

    def find(self, path: str) -> str | None:
        """The file that a path leads to, None when there is none."""
        above, _, last = path.strip("/").rpartition("/")
        return self._reach(above, last, 0)

    def folder(self, path: str) -> str | None:
        """Where a folder really is, None when links on the way lead in a circle."""
        if path not in self._folders:
            self._folders[path] = self._walk(path, 0)
        return self._folders[path]

    def _reach(self, above: str, last: str, depth: int) -> str | None:
        place = self.folder(above) if depth == 0 else self._walk(above, depth)
        if place is None or depth > _MOST_LINKS:
            return None
        name = f"{place}/{last}" if place else last
        target = self._links.get(name)
        if target is None:
            return name if name in self._files else None
        path = target if target.startswith("/") else f"{place}/{target}"
        inner, _, end = path.rstrip("/").rpartition("/")
        return self._reach(inner, end, depth + 1)

    def _walk(self, path: str, depth: int) -> str | None:
        """The folder at a path, part by part, as the system walks it."""
        if depth > _MOST_LINKS:
            return None
        place = ""
        for part in path.split("/"):
            if part == "..":
                place = place.rpartition("/")[0]
            elif part not in ("", "."):
                place = f"{place}/{part}" if place else part
                target = self._links.get(place)
                if target is not None:
                    above = "" if target.startswith("/") else place.rpartition("/")[0]
                    found = self._walk(f"{above}/{target}", depth + 1)
                    if found is None:
                        return None
                    place = found
        return place

    def _lay(self, layer: Inventory) -> None:
        """Lay a layer over what is there."""
        self._folders.clear()
        self._hide(layer.files)
        for name in layer.folders:
            self._links.pop(name, None)
        new = dict.fromkeys((*layer.files, *layer.links))
        placed = {name: self._place(name) for name in new if _WHITEOUT not in name}
        for place in placed.values():
            self._forget(place)
        self._files |= {placed[name] for name in layer.files if name in placed}
        for name, target in layer.links.items():
            self._links[placed[name]] = target
        self.elves |= {placed[name]: fact for name, fact in layer.elves.items()}
        self.damaged |= {placed[name]: reason for name, reason in layer.damaged.items()}
        self.owners |= {placed[name]: owner for name, owner in layer.owners.items()}
        self.debs |= {placed.get(name, name): deb for name, deb in layer.debs.items()}
        self.wheels |= layer.wheels
        self.cached = self.cached if layer.cached is None else layer.cached

    def _place(self, name: str) -> str:
        """Where a member really goes: links of lower layers on its way are followed."""
        above, _, last = name.rpartition("/")
        place = self.folder(above) or ""
        return f"{place}/{last}" if place else last

    def _hide(self, names: Iterable[str]) -> None:
        """Remove what the whiteouts among these names hide (image-spec 1.1, layer.md)."""
        for name in names:
            above, last = posixpath.split(name)
            if last == _OPAQUE:
                self._drop(self.folder(above) or "", itself=False)
            elif last.startswith(_WHITEOUT):
                self._drop(self._place(posixpath.join(above, last[len(_WHITEOUT) :])))

    def _drop(self, place: str, *, itself: bool = True) -> None:
        inner = f"{place}/" if place else ""
        known = [*self._files, *self._links]
        for name in known:
            if name.startswith(inner) or (itself and name == place):
                self._forget(name)

    def _forget(self, name: str) -> None:
        self._files.discard(name)
        self._links.pop(name, None)
        for facts in (self.elves, self.damaged, self.owners, self.debs):
            facts.pop(name, None)


__all__ = ["FileTree"]
