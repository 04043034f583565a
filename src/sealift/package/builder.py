"""Building the images of a project: no daemon, no build file, no rights beyond the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sealift import archive, clock, digest
from sealift.archive import Entry
from sealift.folders import Folders
from sealift.network.network import Network
from sealift.package import base, debs, image, layer, locking, pool, server, wheels
from sealift.package.artifact import model_layers
from sealift.package.layer import Role, sorted_entries
from sealift.package.prover import Prover
from sealift.package.scratch import scratch
from sealift.package.shelf import Shelf
from sealift.ports import Progress, Store
from sealift.record.image import Descriptor, Image, Layer
from sealift.record.lock import Deb, Lock
from sealift.record.model import Model
from sealift.record.project import Project
from sealift.types import Json


class Builder:
    """Makes the images of one project; what was made before is found again and not made twice."""

    def __init__(
        self, project: Project, folders: Folders, store: Store, progress: Progress
    ) -> None:
        self._project = project
        self._folders = folders
        self._store = store
        self._progress = progress
        self._network = Network(project.network, folders.root)
        self._shelf = Shelf(store, folders.state / "layers", progress)
        self._prover = Prover(store, folders.state / "proofs", progress)

    def lock(self, *, refresh: bool = False) -> Lock:
        """The project's lock; made anew when its inputs have changed, or if ``refresh``.

        Raises ``SourceError`` when a package source cannot be reached or is not trusted,
        ``PackageError`` when the packages cannot be had together, ``ProjectError`` when the
        requirements of a lock with packages are gone.
        """
        settings, root = self._project.image, self._folders.root
        found = locking.read(self._folders)
        if found and not refresh:
            if found.inputs == locking.inputs(settings, root, locking.here()):
                return found
            locking.keep(found, settings, root)
            self._progress.say("The requirements have changed: locking them again.")
        made = locking.choose(settings, root, self._network, self._progress)
        locking.write(self._folders, made)
        return made

    def step_image(self) -> Image:
        """The image that the steps run in: base, shell, and all packages."""
        lock = self.lock()
        layers = [*self._system(lock), self._shell(lock)]
        layers.append(self._wheels("runtime", lock.runtime, lock))
        if lock.packages:
            layers.append(self._wheels("packages", lock.packages, lock))
        self._prove("image of the steps", lock, layers)
        config = image.step_config(lock.platform, layers)
        manifest = image.write(self._store, config, layers)
        self._store.tag(f"{self._project.name}:steps", manifest)
        return self._record(manifest, layers, lock, None)

    def serving_image(self, model: Model | None) -> Image:
        """The image that serves a model; without one, that which learns a model's contract."""
        lock = self.lock()
        layers = [*self._system(lock), self._wheels("runtime", lock.runtime, lock), self._server()]
        self._prove("image that serves", lock, layers)
        if model:
            layers += model_layers(self._store, model.digest)
        notes = self._annotations(model)
        config = image.serving_config(lock.platform, layers, notes)
        manifest = image.write(self._store, config, layers, notes)
        tag = str(model.version) if model else "server"
        self._store.tag(f"{self._project.name}:{tag}", manifest)
        return self._record(manifest, layers, lock, model)

    def _annotations(self, model: Model | None) -> dict[str, str]:
        notes = {"org.opencontainers.image.title": self._project.name}
        if model:
            notes["org.opencontainers.image.version"] = str(model.version)
            notes["sealift.model.name"] = model.name
            notes["sealift.model.version"] = str(model.version)
            notes["sealift.model.digest"] = model.digest
        return notes

    def _record(
        self, manifest: Descriptor, layers: list[Layer], lock: Lock, model: Model | None
    ) -> Image:
        return Image(
            digest=manifest.digest,
            platform=lock.platform,
            layers=tuple(layers),
            lock=lock.digest,
            model=model.version if model else None,
            created=clock.now(),
        )

    def _prove(self, what: str, lock: Lock, layers: list[Layer]) -> None:
        """Refuse layers that would not load, before there is an image of them."""
        self._prover.require(what, lock.platform, layers, self._project.image)

    def _system(self, lock: Lock) -> list[Layer]:
        """What both images begin with."""
        return [self._base(lock), *([self._debian(lock)] if lock.debian else [])]

    def _base(self, lock: Lock) -> Layer:
        def make() -> Iterable[Entry]:
            packages = pool.load(lock.base, self._network, self._progress)
            return sorted_entries(base.base_entries(packages, lock.python))

        return self._made("base", [lock.python, _sums(lock.base)], make)

    def _debian(self, lock: Lock) -> Layer:
        def make() -> Iterable[Entry]:
            packages = pool.load(lock.debian, self._network, self._progress)
            return sorted_entries(base.package_entries(packages))

        return self._made("debian", [_sums(lock.debian)], make)

    def _shell(self, lock: Lock) -> Layer:
        def make() -> Iterable[Entry]:
            packages = pool.load(lock.shell, self._network, self._progress)
            return sorted_entries(base.shell_entries(packages))

        return self._made("shell", [_sums(lock.shell)], make)

    def _wheels(self, role: Role, lines: tuple[str, ...], lock: Lock) -> Layer:
        target = locking.wheel_target(lock.python, lock.platform, lock.base)

        def make() -> Iterator[Entry]:
            user = self._folders.root / self._project.image.requirements
            asked = user if user.exists() else None
            with scratch(self._folders.state / "scratch") as folder:
                found = wheels.unpack(lines, target, self._network, folder, asked)
                yield from sorted_entries(found)

        return self._made(role, [list(target.options), list(lines)], make)

    def _server(self) -> Layer:
        files = sorted_entries(server.entries())
        plain = archive.stream(archive.pack(files))
        return self._made("server", digest.of_stream(plain), lambda: files)

    def _made(self, role: Role, key: Json, make: Callable[[], Iterable[Entry]]) -> Layer:
        whole: list[Json] = [role, _recipe(), key]
        return self._shelf.layer(role, digest.of_json(whole), make)


def _sums(debs: tuple[Deb, ...]) -> Json:
    return [deb.sha256 for deb in debs]


def _recipe() -> Json:
    """The digest of the code that turns packages into layers: other code, other layers."""
    makers = (archive, base, debs, layer, wheels)
    return [digest.of_file(Path(module.__file__ or "")) for module in makers]


__all__ = ["Builder"]
