"""The layers that images are put together from, made from a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType

import msgspec

from sealift import archive, digest
from sealift.archive import Entry
from sealift.folders import Folders
from sealift.network.network import Network
from sealift.package import (
    apart,
    base,
    debs,
    elf,
    fittings,
    inventory,
    layer,
    locking,
    pool,
    server,
    spare,
    standalone,
    wheels,
)
from sealift.package.interpreters import Interpreters
from sealift.package.lacking import gathered
from sealift.package.layer import Part, Role, sorted_entries
from sealift.package.scratch import scratch, sweep
from sealift.package.shelf import Shelves, Source
from sealift.ports import Progress
from sealift.record.image import Layer
from sealift.record.image_settings import ImageSettings
from sealift.record.lock import Deb, Foundation, Lock, Standalone
from sealift.types import Digest, Json

STEPS: tuple[Role, ...] = (
    "base",
    "interpreter",
    "debian",
    "shell",
    "runtime",
    "spare",
    "packages",
)
"""What the image of the steps has: base, shell, and all wheels."""

SERVER: tuple[Role, ...] = ("base", "interpreter", "debian", "runtime", "server")
"""What an image that serves has besides its model."""

PROGRAM: tuple[Role, ...] = (
    "base",
    "interpreter",
    "debian",
    "runtime",
    "spare",
    "packages",
    "server",
)
"""The same for a model that a program of the user's own serves: with the packages of the steps."""

FITTINGS = "fittings"
"""What the layer on top of a base of others holds."""

WHEELS: tuple[Role, ...] = ("runtime", "spare", "packages")
"""What is made of wheels."""

Take = Callable[[Iterable[Entry]], list[Entry]]
"""What of installed wheels goes into a layer."""


class Stack:
    """The layers of one lock, each from the shelf or made anew, those of wheels beside the others.

    ``built`` puts the wheels of a lock that are in no index into a folder.
    """

    def __init__(
        self,
        lock: Lock,
        settings: ImageSettings,
        folders: Folders,
        network: Network,
        shelf: Shelves,
        talk: Progress,
        built: Callable[[Lock, Path], Mapping[Digest, Path]],
    ) -> None:
        self._lock = lock
        self._settings = settings
        self._network = network
        self._folders = folders
        self._shelf = shelf
        self._talk = talk
        self._built = built

    def layers(self, roles: Sequence[Role]) -> list[Layer]:
        """The layers with these roles, in their order; none for a role that the lock leaves empty.

        Raises ``SourceError`` when a package cannot be had, ``PackageError`` when it cannot be
        read. Offline, whatever several of them lack is said at once.
        """
        sweep(self._folders.state / "scratch")
        with ThreadPoolExecutor(1, "wheels") as aside:
            # wheels and Debian packages have nothing to do with each other
            ahead = {role: aside.submit(self._of, role) for role in roles if role in WHEELS}
            made = gathered(
                ahead[role].result if role in ahead else partial(self._of, role) for role in roles
            )
        return [layer for layers in made for layer in layers]

    def _of(self, role: Role) -> list[Layer]:
        lock = self._lock
        if role in WHEELS:
            return self._wheels(role)
        if role == "server":
            return self._server()
        if role == "interpreter":
            return self._interpreter(lock.standalone) if lock.standalone else []
        if role == "base" and lock.foundation is not None:
            return self._founded(lock.foundation)
        return self._debs(role, {"base": lock.base, "debian": lock.debian, "shell": lock.shell})

    def _debs(self, role: Role, all_: Mapping[Role, tuple[Deb, ...]]) -> list[Layer]:
        wanted, python = all_[role], self._lock.python

        def make() -> Iterable[Entry]:
            packages = pool.load(wanted, self._network, self._talk)
            if role == "base":
                return base.base_entries(packages, python)
            made = base.shell_entries if role == "shell" else base.package_entries
            return made(packages)

        sums: list[Json] = [deb.sha256 for deb in wanted]
        key: list[Json] = [python, sums] if role == "base" else [sums]
        return self._made(role, key, make) if wanted else []

    def _founded(self, found: Foundation) -> list[Layer]:
        """The layers of a base of others as they are, and what makes the others fit on it."""
        key: list[Json] = [found.python, list(found.folders), list(found.links), list(found.hidden)]
        made = self._made("base", key, lambda: fittings.entries(found))
        fitting = [msgspec.structs.replace(one, holds=FITTINGS) for one in made]
        return [*map(layer.reused, found.layers), *fitting]

    def _interpreter(self, told: Standalone) -> list[Layer]:
        root = self._folders.root
        source = Interpreters(self._settings, root, self._network, self._talk)
        readers = (archive, inventory, layer, standalone)
        content = digest.of_json(["interpreter", told.sha256, self._lock.python])
        return self._shelf.layers(
            "interpreter",
            Source(content, _code(readers)),
            lambda: [Part("", sorted_entries(source.entries(self._lock, told)))],
        )

    def _server(self) -> list[Layer]:
        notes = self._folders.state / "imports"
        files = sorted_entries(server.files(self._lock.platform, notes))
        plain = archive.Packed(files)
        return self._made("server", digest.of_stream(plain), lambda: files)

    def _wheels(self, role: Role) -> list[Layer]:
        take, lines = self._taken(role)
        if not lines:
            return []
        target, packages = locking.target_of(self._lock), self._lock.wheels

        def make() -> Iterator[Part]:
            user = self._folders.root / self._settings.requirements
            asked = user if user.exists() else None
            with scratch(self._folders.state / "scratch") as folder:
                built = self._built(self._having(lines), folder)
                installed = wheels.unpack(
                    lines, target, self._network, folder, asked, built, packages
                )
                yield from apart.parts(take(installed))

        other: list[Json] = [] if packages == wheels.debian(self._lock.python) else [packages]
        key: list[Json] = [role, [list(target.options), list(lines)], *other]
        return self._shelf.layers(role, Source(digest.of_json(key), _recipe()), make)

    def _taken(self, role: Role) -> tuple[Take, tuple[str, ...]]:
        """The locked lines of the wheels of a role, and what of these wheels it has."""
        if role == "runtime":
            return spare.without, self._lock.runtime
        if role == "spare":
            return spare.only, spare.lines(self._lock.runtime)
        return list, self._lock.packages

    def _having(self, lines: tuple[str, ...]) -> Lock:
        """The lock with only those built wheels that these lines name."""
        there = tuple(one for one in self._lock.built if any(one.digest in line for line in lines))
        return msgspec.structs.replace(self._lock, built=there)

    def _made(self, role: Role, key: Json, make: Callable[[], Iterable[Entry]]) -> list[Layer]:
        source = Source(digest.of_json([role, key]), _recipe())
        return self._shelf.layers(role, source, lambda: [Part("", sorted_entries(make()))])


def _recipe() -> Digest:
    """The digest of the code that turns packages into layers."""
    return _code((archive, apart, base, debs, elf, layer, spare, wheels))


def _code(makers: Iterable[ModuleType]) -> Digest:
    return digest.of_json([digest.of_file(Path(module.__file__ or "")) for module in makers])


__all__ = ["FITTINGS", "PROGRAM", "SERVER", "STEPS", "Stack"]
