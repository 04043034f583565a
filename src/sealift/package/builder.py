"""Building the images of a project: no daemon, no build file, no rights beyond the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sealift import clock
from sealift.errors import OfflineError, PackageError, ProjectError
from sealift.folders import Folders, downloads
from sealift.network.network import Network
from sealift.package import accelerated, attached, image, locking
from sealift.package.agreed import Agreed
from sealift.package.artifact import CODE, model_layers
from sealift.package.bases import Bases, Fetch
from sealift.package.borrowed import Borrowed
from sealift.package.bytecode import COMPILER, OWN, Compiler, Home
from sealift.package.contents import Reader
from sealift.package.foundation import WHERE
from sealift.package.interpreters import Interpreters
from sealift.package.kiln import Kiln
from sealift.package.larder import Larder
from sealift.package.layer import Role
from sealift.package.modules import Modules
from sealift.package.prover import Prover
from sealift.package.shelf import Shelf
from sealift.package.stack import PROGRAM, SERVER, STEPS, Stack
from sealift.package.wheelhouse import Abroad, Wheelhouse
from sealift.ports import Depot, Engine, Progress, Store
from sealift.record.image import Descriptor, Image, Layer
from sealift.record.lock import Foundation, Lock, Result, Variant
from sealift.record.model import Model
from sealift.record.project import Project
from sealift.types import Digest


class Builder:
    """Makes the images of one project; what was made before is found again and not made twice.

    ``variant`` is what they are for; None is this machine, without a card. ``depot`` has layers
    whose packages are gone. ``engine`` gives what compiles bytecode, and what wheels are built
    with, but that while ``hermetic`` no wheel is. ``fetch`` brings a base of others.
    """

    def __init__(
        self,
        project: Project,
        folders: Folders,
        store: Store,
        progress: Progress,
        engine: Callable[[], Engine],
        variant: Variant | None = None,
        depot: Depot | None = None,
        fetch: Fetch | None = None,
        *,
        hermetic: bool = False,
    ) -> None:
        self._project = project
        self._folders = folders
        self._store = store
        self._progress = progress
        self._network = Network(project.network, folders.root)
        self._variant = variant or Variant(platform=locking.here())
        self._depot = depot
        self._prover = Prover(store, folders.state / "proofs", progress)
        told = Reader(store, folders.state / "contents")
        self._modules = Modules(folders.state / "modules")
        looking = [self._prover.note, told.note]
        looking += [self._modules.note] if project.image.bytecode else []
        self._shelf = Shelf(store, folders.state / "layers", progress, looking)
        self._engine = engine
        self._hermetic = hermetic
        self._fetch = fetch
        self._bases = Bases(project.image, store, depot, fetch, self._prover, progress)

    def lock(self, *, refresh: bool = False) -> Lock:
        """The platform's lock; made anew when its inputs have changed, or if ``refresh``.

        Raises ``SourceError`` when a package source cannot be reached or is not trusted,
        ``PackageError`` when the packages cannot be had together, ``ProjectError`` when the
        requirements of a lock with packages are gone.
        """
        plain = self._plain(refresh=refresh)
        return plain if self._variant.accelerator == "cpu" else self._accelerated(plain)

    def _accelerated(self, plain: Lock) -> Lock:
        """The lock of the same platform with a card."""
        locks = locking.read(self._folders)
        found = locks.of(self._variant)
        if found and found.inputs == accelerated.inputs(plain):
            return found
        user = self._folders.root / self._project.image.requirements
        made = self._bases.fitted(
            accelerated.choose(plain, user, self._network, self._progress, self.house)
        )
        locking.write(self._folders, locks.with_(made))
        return made

    def _plain(self, *, refresh: bool) -> Lock:
        """The lock of the platform without a card, which the other one is made from."""
        settings, root = self._project.image, self._folders.root
        locks, platform = locking.read(self._folders), self._variant.platform
        found = locks.of(Variant(platform=platform))
        if found and not refresh:
            if found.inputs == locking.inputs(settings, root, platform):
                return found
            locking.keep(found, settings, root)
            self._progress.say("The requirements have changed: locking them again.")
        current = [
            one
            for one in locks.platforms
            if one.platform != platform
            and one.accelerator == "cpu"
            and one.inputs == locking.inputs(settings, root, one.platform)
        ]
        like = current[0] if current and not refresh else None
        made = self._chosen(like)
        locking.write(self._folders, locking.read(self._folders).with_(made))
        return made

    @property
    def house(self) -> Wheelhouse:
        """The wheels that are in no index."""
        kiln = None
        if not self._hermetic:
            kiln = Kiln(
                project=self._project,
                folders=self._folders,
                network=self._network,
                store=self._store,
                shelf=self._shelf,
                engine=self._engine,
                talk=self._progress,
            )
        root = self._folders.root
        return Wheelhouse(self._project, root, self._store, self._depot, self._network, kiln)

    def _at_home(self) -> Lock:
        """The lock of this machine's platform, where builds can run."""
        return Builder(
            self._project,
            self._folders,
            self._store,
            self._progress,
            self._engine,
            depot=self._depot,
            fetch=self._fetch,
            hermetic=self._hermetic,
        ).lock()

    def _chosen(self, like: Lock | None) -> Lock:
        settings, root = self._project.image, self._folders.root
        foreign = self._variant.platform != locking.here()
        house = Abroad(self.house, self._at_home) if foreign else self.house
        try:
            platform, network, talk = self._variant.platform, self._network, self._progress
            own = Interpreters(settings, root, network, talk).chosen(platform)
            stands = own or self._bases.chosen(platform)
            made = locking.choose(
                settings, root, platform, network, talk, house, like=like, stands=stands
            )
            return self._bases.fitted(made)
        except OfflineError as error:
            raise OfflineError(
                "Packages have to be chosen, which needs the network, and that is switched off.",
                where=error.where,
                remedy="Run this once with a network, and keep sealift.lock in version control; or "
                "take network.offline and SEALIFT_OFFLINE away.",
            ) from error

    def step_image(self) -> Image:
        """The image that the steps run in: base, shell, and all packages."""
        lock = self.lock()
        if lock.foundation and not lock.foundation.shell:
            raise PackageError(
                "The base has no /bin/sh, which runs the commands of steps.",
                where=WHERE,
                remedy="Name a base that has a shell: the same distribution's, not its form "
                "without one.",
            )
        layers = self._layers(lock, STEPS)
        self._prove("image of the steps", lock, layers)
        config = image.step_config(lock.platform, layers, lock.stands)
        manifest = image.write(self._store, config, layers)
        self._store.tag(f"{self._project.name}:steps", manifest)
        return self._record(manifest, layers, lock, None)

    def borrowed(self) -> dict[str, Digest]:
        """The images of others that single steps run in, by how the project file names them."""
        wanted = [one.image for one in self._project.steps.values() if one.image]
        platform = self._variant.platform
        found = Borrowed(self._folders, self._store, self._fetch, platform, self._progress)
        return found.images(wanted)

    def serving_image(self, model: Model | None) -> Image:
        """The image that serves a model; without one, that which learns a model's contract."""
        lock = self.lock()
        own = model_layers(self._store, model.digest) if model else ()
        layers = self._layers(lock, self._roles(own, model))
        self._prove("image that serves", lock, layers)
        if model and self._project.image.bytecode:
            compiler, larder = self.compiler(lock, layers), Larder(downloads() / "bytecode")
            with self._agreed(lock) as shelf:
                layers += compiler.press(lock, layers, self._store, shelf, larder)
        layers += own
        notes = self._annotations(model, lock.foundation)
        config = image.serving_config(lock.variant, layers, notes, lock.stands)
        manifest = image.write(self._store, config, layers, notes)
        self._store.tag(self._name(model), manifest)
        return self._record(manifest, layers, lock, model)

    def compiler(self, lock: Lock, layers: Sequence[Layer]) -> Compiler:
        """What makes the bytecode for an image of these layers, which the store has."""

        def home() -> Home:
            if lock.platform != locking.here():
                there = self._at_home()
                return there, self._layers(there, COMPILER)
            return lock, [one for one in layers if one.role in COMPILER]

        return Compiler(home, self._engine, self._store, self._folders, self._modules)

    def _roles(self, own: Sequence[Layer], model: Model | None) -> tuple[Role, ...]:
        """The layers below the model: a program of the user's own needs the packages too."""
        settings = self._project.model
        learns = model is None and settings is not None and bool(settings.predict)
        if not learns and all(layer.holds != CODE for layer in own):
            return SERVER
        if self._variant.accelerator != "cpu":
            raise ProjectError(
                "A program of your own is put into images without a card only.",
                where="sealift.toml: image.accelerators",
                remedy="Take 'cuda' off image.accelerators, or export the model to ONNX.",
            )
        return PROGRAM

    def _name(self, model: Model | None) -> str:
        """The name in the store: with the processor where it is not this machine's."""
        tag = str(model.version) if model else "server"
        foreign = self._variant != Variant(platform=locking.here())
        return f"{self._project.name}:{tag}" + (f"-{self._variant.name}" if foreign else "")

    def _layers(self, lock: Lock, roles: tuple[Role, ...]) -> list[Layer]:
        """The layers with these roles; what they came to is written into the lock."""
        self._bases.require(lock)
        with self._agreed(lock) as shelf:
            return Stack(
                lock,
                self._project.image,
                self._folders,
                self._network,
                shelf,
                self._progress,
                self.house.place,
            ).layers(roles)

    @contextmanager
    def _agreed(self, lock: Lock) -> Iterator[Agreed]:
        """A shelf that knows what the lock says; what else was made on it is written into that."""
        locks = locking.read(self._folders)
        shelf = Agreed(self._shelf, locks, lock.variant, self._store, self._depot, self._progress)
        yield shelf
        locks = locking.read(self._folders)
        agreed = locks.came_to(one for one in shelf.results if not _own(one))
        if agreed != locks:
            locking.write(self._folders, agreed)

    def _annotations(self, model: Model | None, founded: Foundation | None) -> dict[str, str]:
        notes = {"org.opencontainers.image.title": self._project.name}
        if founded:
            notes["org.opencontainers.image.base.digest"] = founded.image
        if model:
            notes["org.opencontainers.image.version"] = str(model.version)
            notes["sealift.model.name"] = model.name
            notes["sealift.model.version"] = str(model.version)
            notes["sealift.model.digest"] = model.digest
        return notes

    def _record(
        self, manifest: Descriptor, layers: list[Layer], lock: Lock, model: Model | None
    ) -> Image:
        attached.attach(lock, manifest.digest, self._store)
        return Image(
            digest=manifest.digest,
            platform=lock.platform,
            accelerator=lock.accelerator,
            layers=tuple(layers),
            lock=lock.digest,
            model=model.version if model else None,
            created=clock.now(),
        )

    def _prove(self, what: str, lock: Lock, layers: list[Layer]) -> None:
        """Refuse layers that would not load, before there is an image of them."""
        self._prover.require(what, lock.platform, layers, self._project.image, lock.foundation)


def _own(result: Result) -> bool:
    """Whether it came of Sealift's own code, which each version has otherwise: no lock tells."""
    holds = [one.holds for one in result.layers]
    return result.role == "server" or (result.role == "bytecode" and OWN in holds)


__all__ = ["Builder"]
