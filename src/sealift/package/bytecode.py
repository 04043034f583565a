"""Layers of bytecode: of the modules that a server loads at its start, by the image's interpreter.

An image is read-only, so that a server without bytecode compiles the same modules at each start.
The interpreter runs in a container of this machine. Bytecode is the same on every platform, so for
an image of another one this machine's interpreter compiles, if it is of the same version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealift import archive, clock, digest
from sealift.archive import Entry
from sealift.errors import PackageError
from sealift.folders import Folders
from sealift.logs import tail
from sealift.package import image, layer, loaded, press
from sealift.package.layer import Part, Role, sorted_entries
from sealift.package.modules import Modules
from sealift.package.scratch import scratch
from sealift.package.shelf import Shelves, Source
from sealift.ports import Engine, Store
from sealift.record.container import ContainerSpec, Mount
from sealift.record.image import Layer
from sealift.record.lock import Lock
from sealift.types import Digest, Json

COMPILER: tuple[Role, ...] = ("base", "interpreter", "debian")
"""What the image has that compiles."""

PROGRAM = Path(press.__file__ or "")
SECONDS = 600.0
"""How long compiling may take."""

WHERE = "sealift.toml: image.bytecode"
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(clock.EPOCH), "TZ": "UTC"}
_MADE = re.compile(r"(?P<folder>.*/)__pycache__/(?P<module>[^/.]+)\.[^/]+\.pyc")


@dataclass(frozen=True)
class Compiler:
    """The interpreter that compiles: a lock of this machine's platform, and its layers.

    ``store`` has these, and ``engine`` runs what is there; None where no container may be run.
    ``modules`` tells what is to be compiled.
    """

    lock: Lock
    layers: Sequence[Layer]
    store: Store
    folders: Folders
    engine: Callable[[], Engine] | None
    modules: Modules

    def press(self, lock: Lock, below: Sequence[Layer], room: Store, shelf: Shelves) -> list[Layer]:
        """The bytecode for the layers of an image, which are in ``room`` or in the store.

        That of the server is apart, so that other code of it leaves the rest as it is. Raises
        ``PackageError`` where this machine cannot make it.
        """
        self._require(lock)
        groups = [[one for one in below if (one.role == "server") is own] for own in (False, True)]
        return [made for group in groups if group for made in self._group(group, room, shelf)]

    def _group(self, group: Sequence[Layer], room: Store, shelf: Shelves) -> list[Layer]:
        holds = group[-1].role if group[-1].role == "server" else ""
        stores = (room, self.store)
        shown = self.modules.shown(group, stores)
        compilers: list[Json] = [str(one.diff_id) for one in self.layers]
        marks: dict[str, Json] = {name: str(one.digest) for name, one in shown.items()}
        content = digest.of_json(["bytecode", compilers, marks])

        def make() -> Iterator[Part]:
            entries = self._compiled(self.modules.contents(shown, stores))
            yield Part(holds, sorted_entries(entries))

        return shelf.layers("bytecode", Source(content, _recipe()), make) if shown else []

    def _require(self, lock: Lock) -> None:
        """Raises ``PackageError`` unless this machine has an interpreter of the lock's version."""
        wanted, there = interpreter(lock), interpreter(self.lock)
        if lock.platform != self.lock.platform and (not wanted or wanted != there):
            raise PackageError(
                f"Bytecode for {lock.platform} has to be made by Python "
                f"{wanted or 'of a version that is not told'}, and that of this machine's images "
                f"is {there or 'of a version that is not told'}.",
                where=WHERE,
                remedy="Delete sealift.lock, so that all platforms are locked anew; build on "
                f"{lock.platform}; or take image.bytecode away.",
            )

    def _compiled(self, found: Mapping[str, bytes]) -> list[Entry]:
        if self.engine is None:
            raise PackageError(
                "Bytecode is made by the image's interpreter in a container, and no container may "
                "be run.",
                where=WHERE,
                remedy="Take image.bytecode away, or SEALIFT_HERMETIC.",
            )
        with scratch(self.folders.state / "scratch") as folder:
            given, out, log = folder / "in", folder / "out", folder / "log"
            out.mkdir()
            lay_out(found, given)
            self._run(self.engine(), given, out, log)
            return list(_taken(out, found))

    def _run(self, engine: Engine, given: Path, out: Path, log: Path) -> None:
        config = image.step_config(self.lock.platform, self.layers, self.lock.stands)
        made = image.write(self.store, config, self.layers)
        spec = ContainerSpec(
            name=f"bytecode-{clock.token(6)}",
            image=made.digest,
            argv=("/usr/bin/python3", *press.OPTIONS, "/press.py", "/in", "/out"),
            env=_ENVIRONMENT,
            mounts=(
                Mount(source=str(PROGRAM), target="/press.py"),
                Mount(source=str(given), target="/in"),
                Mount(source=str(out), target="/out", writable=True),
            ),
            labels={"sealift.project": str(self.folders.root), "sealift.build": "bytecode"},
            log=str(log),
        )
        ended = engine.run(spec, timeout=SECONDS)
        if ended.status != 0:
            how = "did not end in time" if ended.timed_out else f"ended with {ended.status}"
            said = "\n    ".join(["", *tail(log)])
            raise PackageError(
                f"Compiling the modules of the server {how}.{said}",
                where=WHERE,
                remedy="Take image.bytecode away to build without.",
            )


def interpreter(lock: Lock) -> str:
    """The version of a lock's interpreter, as far as it is told."""
    if lock.stands:
        return lock.stands.version
    name = f"python{lock.python}-minimal"
    return next((deb.version for deb in lock.base if deb.name == name), "")


def lay_out(found: Mapping[str, bytes], given: Path) -> None:
    """Write sources to a folder, as the program that compiles them reads it."""
    (given / "root").mkdir(parents=True)
    for name, content in found.items():
        path = given / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (given / "names").write_text("".join(f"{name}\n" for name in sorted(found)), "utf-8")


def _taken(out: Path, found: Mapping[str, bytes]) -> Iterator[Entry]:
    """What was written, if it is the bytecode of these sources; the rest is no concern of ours."""
    for path in sorted(out.rglob("*.pyc")):
        name = path.relative_to(out).as_posix()
        made = _MADE.fullmatch(name)
        if made and f"{made['folder']}{made['module']}.py" in found and not path.is_symlink():
            yield Entry(name=name, kind="file", content=path.read_bytes())


def _recipe() -> Digest:
    """The digest of the code that makes bytecode."""
    makers = (archive, layer, loaded, press)
    return digest.of_json([digest.of_file(Path(module.__file__ or "")) for module in makers])


__all__ = ["COMPILER", "Compiler", "interpreter", "lay_out"]
