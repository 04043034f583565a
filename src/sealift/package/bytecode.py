"""Layers of bytecode: of the modules that a server loads at its start, by the image's interpreter.

An image is read-only, so that a server without bytecode compiles the same modules at each start.
The interpreter runs in a container of this machine, and nothing of what it compiles is run.
Bytecode is the same on every platform, so for an image of another one this machine's interpreter
compiles, if it is of the same upstream version: the revisions of it that distributions make for
their platforms mend faults, and leave its compiler as it is. What other machines' interpreters came
to stands in the lock, and is compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sealift import archive, clock, digest
from sealift.archive import Entry
from sealift.errors import MachineError, NotFoundError, PackageError
from sealift.folders import Folders
from sealift.logs import tail
from sealift.package import image, layer, loaded, press
from sealift.package.larder import Larder
from sealift.package.layer import Part, Role, sorted_entries
from sealift.package.modules import Modules
from sealift.package.scratch import scratch
from sealift.package.shelf import Shelves, Source
from sealift.ports import Engine, Store
from sealift.record.container import ContainerSpec, Mount
from sealift.record.image import Layer
from sealift.record.lock import Lock
from sealift.types import Digest, Json

Home = tuple[Lock, Sequence[Layer]]
"""What compiles on this machine: a lock of its platform, and the layers with the interpreter."""

COMPILER: tuple[Role, ...] = ("base", "interpreter", "debian")
"""What the image has that compiles."""

PROGRAM = Path(press.__file__ or "")
SECONDS = 600.0
"""How long compiling may take."""

OWN = "server"
"""What the layer holds that is of Sealift's own modules."""

UNTOLD = "of a version that is not told"
WHERE = "sealift.toml: image.bytecode"
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(clock.EPOCH), "TZ": "UTC"}
_MADE = re.compile(r"(?P<folder>.*/)__pycache__/(?P<module>[^/.]+)\.[^/]+\.pyc")


@dataclass(frozen=True)
class Compiler:
    """Makes the bytecode of images.

    ``home`` gives what compiles, and ``engine`` what runs it, once there is something to compile;
    ``store`` has the layers of the former. ``modules`` tells what is to be compiled.
    """

    home: Callable[[], Home]
    engine: Callable[[], Engine]
    store: Store
    folders: Folders
    modules: Modules

    def press(
        self,
        lock: Lock,
        below: Sequence[Layer],
        room: Store,
        shelf: Shelves,
        larder: Larder | None = None,
    ) -> list[Layer]:
        """The bytecode for the layers of an image, which are in ``room`` or in the store.

        That of Sealift's own modules is apart, so that other code of these leaves the rest as it
        is. It is known by the image's own interpreter, whichever machine compiles. What is in the
        ``larder`` is taken from there. Raises ``PackageError`` where this machine cannot compile.
        """
        roots: list[Json] = [str(one.diff_id) for one in below if one.role in COMPILER]
        libraries = [one for one in below if one.role != "server"]
        own = [one for one in below if one.role == "server"]

        def group(holds: str, layers: Sequence[Layer]) -> list[Layer]:
            stores = (room, self.store)
            shown = self.modules.shown(layers, stores)
            marks: dict[str, Json] = {name: str(one.digest) for name, one in shown.items()}
            content = digest.of_json(["bytecode", roots, marks])

            def make() -> Iterator[Part]:
                found = self.modules.contents(shown, stores)
                keys = {name: _key(roots, name, one.digest) for name, one in shown.items()}
                made = self._made(lock, found, keys, larder)
                entries = [Entry(name, "file", content=made[name]) for name in made]
                yield Part(holds, sorted_entries(entries))

            return shelf.layers("bytecode", Source(content, _recipe()), make) if shown else []

        # first that of which no lock tells: where it cannot be had, the other is not asked for
        served = group(OWN, own)
        return [*group("", libraries), *served]

    def _made(
        self,
        lock: Lock,
        found: Mapping[str, bytes],
        keys: Mapping[str, Digest],
        larder: Larder | None,
    ) -> dict[str, bytes]:
        """The bytecode of sources: each is compiled as if alone, so that some may be kept ones."""
        kept = {name: larder.get(keys[name]) for name in found} if larder else {}
        made = {name: files for name, files in kept.items() if files is not None}
        missing = {name: found[name] for name in found if name not in made}
        for name, files in (self._compiled(lock, missing) if missing else {}).items():
            made[name] = files
            if larder:
                larder.put(keys[name], files)
        return {path: content for files in made.values() for path, content in files.items()}

    def _compiled(self, lock: Lock, found: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
        """The files of bytecode of each source; none of what is no Python of this version."""
        home, layers = self._home(lock)
        with scratch(self.folders.state / "scratch") as folder:
            given, out, log = folder / "in", folder / "out", folder / "log"
            out.mkdir()
            lay_out(found, given)
            config = image.step_config(home.platform, layers, home.stands)
            made = image.write(self.store, config, layers)
            self._run(_spec(made.digest, self.folders, given, out, log))
            return _taken(out, found)

    def _home(self, lock: Lock) -> Home:
        """What compiles for a lock. Raises ``PackageError`` unless it is of the lock's version."""
        try:
            home, layers = self.home()
        except (MachineError, NotFoundError, PackageError) as error:
            raise _refused(
                f"Bytecode for {lock.platform} is compiled by the interpreter of this machine's "
                f"own images, which cannot be had. {error.what}",
                error.remedy,
            ) from error
        wanted, there = version(lock), version(home)
        if lock.platform != home.platform and (not wanted or wanted != there):
            raise _refused(
                f"Bytecode for {lock.platform} has to be compiled by Python {wanted or UNTOLD}, "
                f"and that of this machine's own images is {there or UNTOLD}.",
                f"Name a base or an interpreter of that version for {home.platform} too."
                if lock.stands or home.stands
                else "Delete sealift.lock, so that all platforms are locked anew.",
            )
        return home, layers

    def _run(self, spec: ContainerSpec) -> None:
        try:
            ended = self.engine().run(spec, timeout=SECONDS)
        except MachineError as error:
            raise _refused(
                "Bytecode is compiled by the image's interpreter in a container, and none can be "
                f"run here. {error.what}",
                error.remedy,
            ) from error
        if ended.status == press.FULL:
            raise MachineError(
                "There is no space left to compile the modules of the server.",
                where=str(self.folders.state),
                remedy="Free some space and run the command again.",
            )
        if ended.status != 0:
            how = "did not end in time" if ended.timed_out else f"ended with {ended.status}"
            said = "\n    ".join(["", *tail(Path(spec.log))])
            raise _refused(f"Compiling the modules of the server {how}.{said}")


def _refused(what: str, remedy: str = "") -> PackageError:
    """Without bytecode one lock would give two digests: so it is refused, and said what to do."""
    other = "Build on a machine that can" if not remedy else f"{remedy} Or build on another machine"
    return PackageError(
        what,
        where=WHERE,
        remedy=f"{other}, or write `bytecode = false` under [image]: then servers compile their "
        "modules at each start.",
    )


def version(lock: Lock) -> str:
    """The upstream version of a lock's interpreter, as far as it is told."""
    if lock.stands:
        return upstream(lock.stands.version)
    name = f"python{lock.python}-minimal"
    return next((upstream(deb.version) for deb in lock.base if deb.name == name), "")


def upstream(package: str) -> str:
    """The version that a distribution's package is made of (deb-version(7)).

    >>> upstream("3.13.5-2+deb13u1"), upstream("1:3.14.0~rc2-1"), upstream("3.13.7")
    ('3.13.5', '3.14.0~rc2', '3.13.7')
    """
    told = package.partition(":")[2] or package
    return told.rpartition("-")[0] or told


def lay_out(found: Mapping[str, bytes], given: Path) -> None:
    """Write sources to a folder, as the program that compiles them reads it."""
    (given / "root").mkdir(parents=True)
    for name, content in found.items():
        path = given / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (given / "names").write_text("".join(f"{name}\n" for name in sorted(found)), "utf-8")


def _spec(made: Digest, folders: Folders, given: Path, out: Path, log: Path) -> ContainerSpec:
    """The container that compiles what is given."""
    return ContainerSpec(
        name=f"bytecode-{clock.token(6)}",
        image=made,
        argv=("/usr/bin/python3", *press.OPTIONS, "/press.py", "/in", "/out"),
        env=_ENVIRONMENT,
        mounts=(
            Mount(source=str(PROGRAM), target="/press.py"),
            Mount(source=str(given), target="/in"),
            Mount(source=str(out), target="/out", writable=True),
        ),
        labels={"sealift.project": str(folders.root), "sealift.build": "bytecode"},
        log=str(log),
    )


def _taken(out: Path, found: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    """What was written, if it is the bytecode of these sources; the rest is no concern of ours."""
    taken: dict[str, dict[str, bytes]] = {name: {} for name in found}
    for path in sorted(out.rglob("*.pyc")):
        name = path.relative_to(out).as_posix()
        made = _MADE.fullmatch(name)
        source = f"{made['folder']}{made['module']}.py" if made else ""
        if source in taken and not path.is_symlink():
            taken[source][name] = path.read_bytes()
    return taken


def _key(roots: Json, name: str, content: Digest) -> Digest:
    """What the bytecode of a source is kept under: all that it was made from."""
    return digest.of_json(["module", roots, name, content, _press()])


@cache
def _press() -> Digest:
    """The digest of the program that compiles."""
    return digest.of_file(PROGRAM)


@cache
def _recipe() -> Digest:
    """The digest of the code that makes bytecode."""
    makers = (archive, layer, loaded, press)
    return digest.of_json([digest.of_file(Path(module.__file__ or "")) for module in makers])


__all__ = ["COMPILER", "OWN", "Compiler", "Home", "lay_out", "upstream", "version"]
