"""Building wheels from source distributions: in a container without a network, and recorded.

The image of a build is that of the steps, with the wheels that the build needs in place of the
project's, and with the Debian packages that ``image.build_debian`` names. The backend is called by
PEP 517, as the unprivileged user, with the environment that every step gets.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sealift import clock, digest
from sealift.errors import MachineError, PackageError
from sealift.folders import Folders
from sealift.logs import tail
from sealift.network.network import Network
from sealift.package import image, locking, pep517, sdists, uv, wheels
from sealift.package.notes import Notes
from sealift.package.scratch import scratch
from sealift.package.sdists import Sdist
from sealift.package.shelf import Shelves
from sealift.package.stack import Stack
from sealift.ports import Engine, Progress, Store
from sealift.record.container import ContainerSpec, Mount
from sealift.record.image import WHEEL
from sealift.record.lock import Built, Lock
from sealift.record.project import Project
from sealift.types import Digest, Json

SECONDS = 3600.0
"""How long a build may take."""
PROGRAM = Path(pep517.__file__ or "")
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": str(clock.EPOCH),
    "TMPDIR": "/kiln/tmp",
    "TZ": "UTC",
}
# a source is not trusted: neither options of an installer nor addresses may come from it
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^@\r\n]*")
_LINE = "/usr/bin/python3 /in/pep517.py requires && exec /usr/bin/python3 /in/pep517.py wheel"


@dataclass(frozen=True)
class Kiln:
    """What wheels are built with; ``engine`` gives the engine when the first container is run."""

    project: Project
    folders: Folders
    network: Network
    store: Store
    shelf: Shelves
    engine: Callable[[], Engine]
    talk: Progress

    def build(self, source: Sdist, bare: Lock) -> Built:
        """Build a wheel, with what the source distribution asks for in its newest versions.

        ``bare`` is a lock of this machine's platform. What was built before from the same is
        taken. Raises ``PackageError`` when the build fails.
        """
        asked = sdists.requires(source)
        lines = self._locked(source, asked, bare)
        note = digest.of_json(self._parts(source, lines, bare))
        notes = Notes(self.folders.state / "builds")
        known = notes.get(note, Built)
        if known and self.store.has(known.digest):
            return known
        with scratch(self.folders.state / "scratch") as folder:
            more = self._run(source, bare, lines, [], folder)
            if more:
                lines = self._locked(source, [*asked, *more], bare)
                self._run(source, bare, lines, more, folder)
            made = self._kept(source, lines, bare, folder / "out")
        notes.put(note, made)
        return made

    def again(self, built: Built, lock: Lock, source: Sdist) -> Digest:
        """Build a wheel again from a lock; the digest of what came out, which is kept."""
        with scratch(self.folders.state / "scratch") as folder:
            self._run(source, lock, built.requires, None, folder)
            return self._kept(source, built.requires, lock, folder / "out").digest

    def _parts(self, source: Sdist, lines: Sequence[str], bare: Lock) -> Json:
        """All that decides what comes out."""
        debs = [*bare.base, *bare.debian, *bare.shell, *bare.tools]
        program = str(digest.of_file(PROGRAM))
        stands = [str(bare.foundation.image)] if bare.foundation else []
        stands += [bare.standalone.sha256] if bare.standalone else []
        return [source.sha256, list(lines), [*(deb.sha256 for deb in debs), *stands], program]

    def _locked(self, source: Sdist, asked: Sequence[str], bare: Lock) -> tuple[str, ...]:
        if not asked:
            return ()
        if odd := [one for one in asked if not _REQUIREMENT.fullmatch(one)]:
            raise PackageError(
                f"{source.file} needs {odd[0]!r} to be built, which is not the name of a package "
                "and versions of it.",
                where="sealift.toml: image.build",
                remedy=f"Ask for another version of {source.name} in the requirements, or put a "
                "wheel of it into an index.",
            )
        target = locking.target_of(bare)
        user = self.folders.root / self.project.image.requirements
        named = list(wheels.indexes(user)) if user.exists() else []
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / f"{source.name}.in"
            file.write_text("\n".join([*named, *asked, ""]), encoding="utf-8")
            try:
                return uv.compile_lock([file], target, self.network)
            except PackageError as error:
                raise PackageError(
                    f"What {source.file} needs to be built cannot be had. {error.what}",
                    where="sealift.toml: image.build",
                    remedy="What a build needs has to come as wheels. Ask for another version of "
                    f"{source.name} in the requirements, or put a wheel of it into an index.",
                ) from error

    def _image(self, bare: Lock, lines: Sequence[str]) -> Digest:
        """The image of a build."""
        debian = tuple(sorted((*bare.debian, *bare.tools), key=lambda deb: deb.name))
        lock = msgspec.structs.replace(
            bare, debian=debian, runtime=(), packages=tuple(lines), built=()
        )
        settings, talk = self.project.image, self.talk
        stack = Stack(lock, settings, self.folders, self.network, self.shelf, talk, _nothing)
        layers = stack.layers(("base", "interpreter", "debian", "shell", "packages"))
        config = image.step_config(lock.platform, layers, lock.stands)
        return image.write(self.store, config, layers).digest

    def _run(
        self,
        source: Sdist,
        bare: Lock,
        lines: Sequence[str],
        known: Sequence[str] | None,
        folder: Path,
    ) -> list[str]:
        """Run a build in ``folder``; what its backend needs besides, with nothing built then.

        ``known`` is what the backend may ask for since it is there; None where a lock has all.
        """
        self.talk.step("build", f"{source.name} {source.version}, from {source.file}")
        engine = self.engine()
        spec = self._spec(source, self._image(bare, lines), known, folder)
        if not engine.guarantees().network_isolated:
            raise MachineError(
                f"The engine {engine.name} cannot keep a build away from the network.",
                where="sealift.toml: image.build",
                remedy="Use another engine; `sealift doctor` names those of this machine.",
            )
        ended = engine.run(spec, timeout=SECONDS)
        wanted = _wanted(folder / "out" / "requires.json")
        if ended.status == 0 and not ended.timed_out:
            return []
        if ended.status == pep517.MORE and known is not None and not set(wanted) <= set(known):
            return wanted
        how = "did not end in time" if ended.timed_out else f"ended with status {ended.status}"
        raise _failed(source, bare.python, Path(spec.log), how)

    def _spec(
        self, source: Sdist, made: Digest, known: Sequence[str] | None, folder: Path
    ) -> ContainerSpec:
        given, work, out = (folder / name for name in ("in", "work", "out"))
        for place in (given, work, out):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        (work / "tmp").mkdir()
        told = given / "known.json"
        told.write_text(json.dumps(known))
        log = self.folders.state / "builds" / f"{source.name}-{source.version}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        return ContainerSpec(
            name=f"{self.project.name}-build-{source.name}-{clock.token(6)}",
            image=made,
            argv=("/bin/sh", "-ec", _LINE),
            env=_ENVIRONMENT,
            mounts=(
                Mount(source=str(PROGRAM), target="/in/pep517.py"),
                Mount(source=str(told), target="/in/known.json"),
                Mount(source=str(source.path), target="/in/sdist"),
                Mount(source=str(work), target="/kiln", writable=True),
                Mount(source=str(out), target="/out", writable=True),
            ),
            workdir="/kiln",
            labels={"sealift.project": str(self.folders.root), "sealift.build": source.name},
            log=str(log),
        )

    def _kept(self, source: Sdist, lines: Sequence[str], bare: Lock, out: Path) -> Built:
        """Keep the one wheel that a build wrote; refuse anything else."""
        found = [path for path in sorted(out.glob("*.whl")) if not path.is_symlink()]
        named = [wheels.named(path) for path in found if path.is_file()]
        if named != [(source.name, source.version)]:
            came = ", ".join(path.name for path in found) or "no wheel"
            log = self.folders.state / "builds" / f"{source.name}-{source.version}.log"
            raise PackageError(
                f"Building {source.file} gave {came}, not one of {source.name} {source.version}.",
                where=str(log),
                remedy="Ask for another version in the requirements.",
            )
        with found[0].open("rb") as stream:
            kept = self.store.put(stream, WHEEL)
        return Built(
            name=source.name,
            version=source.version,
            sdist=source.file,
            sha256=source.sha256,
            requires=tuple(lines),
            platform=bare.platform,
            wheel=found[0].name,
            digest=kept.digest,
            size=kept.size,
        )


def _nothing(_lock: Lock, _folder: Path) -> dict[Digest, Path]:
    """A build needs no wheel that is built itself."""
    return {}


def _wanted(file: Path) -> list[str]:
    """What a backend wrote that it needs; it is not trusted to have written it well."""
    try:
        if file.is_symlink() or not file.is_file():
            return []
        return msgspec.json.decode(file.read_bytes(), type=list[str])
    except (OSError, msgspec.MsgspecError):
        return []


def _failed(source: Sdist, python: str, log: Path, how: str) -> PackageError:
    lines = tail(log)
    said = ":\n    " + "\n    ".join(lines) if lines else "; it said nothing."
    return PackageError(
        f"The build of {source.file} {how}{said}",
        where=str(log),
        remedy=f"{_advice(lines, python)} A build has no network, and writes in its own folders "
        f"alone. Else ask for a version of {source.name} that has a wheel.",
    )


def _advice(lines: Sequence[str], python: str) -> str:
    """What to do about the last lines of a build.

    >>> _advice(["error: command 'x86_64-linux-gnu-gcc' failed"], "3.13").partition(":")[0]
    'It wants a compiler'
    """
    text = "\n".join(lines)
    if any(word in text for word in ("gcc", "g++", "Python.h", "compiler")):
        return (
            "It wants a compiler: add to [image] in sealift.toml build_debian = "
            f'["gcc", "g++", "libc6-dev", "libpython{python}-dev"], or others that it names.'
        )
    return "Add the Debian packages that it lacks, if it lacks any, to image.build_debian."


__all__ = ["SECONDS", "Kiln"]
