"""Layers of bytecode: of the modules that a server loads at its start, by the image's interpreter.

An image is read-only, so that a server without bytecode compiles the same modules at each start.
The interpreter runs in a container of this machine. Bytecode is the same on every platform, so for
an image of another one this machine's interpreter compiles, if it is of the same version.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard

from sealift import archive, clock, digest
from sealift.archive import Entry
from sealift.errors import IntegrityError, PackageError
from sealift.folders import Folders
from sealift.layers import plain
from sealift.logs import tail
from sealift.package import image, layer, loaded, press
from sealift.package.inventory import clean
from sealift.package.layer import Part, Role, sorted_entries
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
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class Compiler:
    """The interpreter that compiles: a lock of this machine's platform, and its layers.

    ``store`` has these, and ``engine`` runs what is there; None where no container may be run.
    """

    lock: Lock
    layers: Sequence[Layer]
    store: Store
    folders: Folders
    engine: Callable[[], Engine] | None

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
        made_of: list[Json] = [[str(one.diff_id) for one in each] for each in (self.layers, group)]
        content = digest.of_json(["bytecode", *made_of])

        def make() -> Iterator[Part]:
            if found := sources(group, room, self.store):
                yield Part(holds, sorted_entries(self._compiled(found)))

        return shelf.layers("bytecode", Source(content, _recipe()), make)

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


def sources(layers: Iterable[Layer], *stores: Store) -> dict[str, bytes]:
    """The sources of modules that a server loads, by their paths, as layers over each other say.

    Each layer is read from the first store that has it; the layers of a base of others are where
    they came to. Raises ``IntegrityError`` for a damaged layer.
    """
    found: dict[str, bytes] = {}
    for one in layers:
        store = next((it for it in stores if it.has(one.descriptor.digest)), stores[-1])
        try:
            with (
                store.open(one.descriptor.digest) as blob,
                tarfile.open(
                    fileobj=plain(blob, one.descriptor.media_type), mode="r|", bufsize=archive.CHUNK
                ) as tar,
            ):
                own, covered = _read(tar)
        except (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise IntegrityError(
                f"A layer cannot be read: {error}.",
                where=one.descriptor.digest,
                remedy="Delete the folder .sealift/layers; then the layer is made again.",
            ) from error
        found = {name: found[name] for name in found if covered.isdisjoint(_above(name))} | own
    return found


def _read(tar: tarfile.TarFile) -> tuple[dict[str, bytes], set[str]]:
    """The sources in a layer, and what it covers or takes away below: whole folders with a slash.

    Whiteouts: image-spec 1.1, layer.md.
    """
    own: dict[str, bytes] = {}
    covered: set[str] = set()
    for info in tar:
        name = clean(info.name)
        above, _, last = name.rpartition("/")
        if last == _OPAQUE:
            covered.add(f"{above}/")
        elif not info.isdir():
            covered.add(f"{above}/{last.removeprefix(_WHITEOUT)}")
        if info.isreg() and loaded.is_loaded(name) and (content := tar.extractfile(info)):
            own[name] = content.read()
    return own, covered


def _above(name: str) -> Iterator[str]:
    """A path, and all folders that it lies in, with and without a slash at the end."""
    yield name
    while name := name.rpartition("/")[0]:
        yield from (name, f"{name}/")


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


__all__ = ["COMPILER", "Compiler", "interpreter", "lay_out", "sources"]
