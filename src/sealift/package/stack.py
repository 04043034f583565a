"""The layers that images are put together from, made from a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sealift import archive, digest
from sealift.archive import Entry
from sealift.folders import Folders
from sealift.network.network import Network
from sealift.package import apart, base, debs, layer, locking, pool, server, wheels
from sealift.package.lacking import gathered
from sealift.package.layer import Part, Role, sorted_entries
from sealift.package.scratch import scratch
from sealift.package.shelf import Shelf
from sealift.ports import Progress
from sealift.record.image import Layer
from sealift.record.lock import Deb, Lock
from sealift.record.project import ImageSettings
from sealift.types import Json


class Stack:
    """The layers of one lock, each from the shelf or made anew."""

    def __init__(
        self,
        lock: Lock,
        settings: ImageSettings,
        folders: Folders,
        network: Network,
        shelf: Shelf,
        talk: Progress,
    ) -> None:
        self._lock = lock
        self._settings = settings
        self._network = network
        self._folders = folders
        self._shelf = shelf
        self._talk = talk

    def of_steps(self) -> list[Layer]:
        """Base, shell, and all wheels."""
        return _all(self._base, self._debian, self._shell, self._runtime, self._further)

    def of_server(self) -> list[Layer]:
        """Base, the wheels that the server needs, and the server: all but a model."""
        return _all(self._base, self._debian, self._runtime, self._server)

    def _base(self) -> list[Layer]:
        lock = self._lock

        def make() -> Iterable[Entry]:
            return base.base_entries(self._packages(lock.base), lock.python)

        return self._made("base", [lock.python, _sums(lock.base)], make)

    def _debian(self) -> list[Layer]:
        wanted = self._lock.debian

        def make() -> Iterable[Entry]:
            return base.package_entries(self._packages(wanted))

        return self._made("debian", [_sums(wanted)], make) if wanted else []

    def _runtime(self) -> list[Layer]:
        return self._wheels("runtime", self._lock.runtime)

    def _further(self) -> list[Layer]:
        return self._wheels("packages", self._lock.packages)

    def _shell(self) -> list[Layer]:
        def make() -> Iterable[Entry]:
            return base.shell_entries(self._packages(self._lock.shell))

        return self._made("shell", [_sums(self._lock.shell)], make)

    def _server(self) -> list[Layer]:
        files = sorted_entries(server.entries())
        plain = archive.stream(archive.pack(files))
        return self._made("server", digest.of_stream(plain), lambda: files)

    def _wheels(self, role: Role, lines: tuple[str, ...]) -> list[Layer]:
        if not lines:
            return []
        target = locking.wheel_target(self._lock.python, self._lock.platform, self._lock.base)

        def make() -> Iterator[Part]:
            user = self._folders.root / self._settings.requirements
            asked = user if user.exists() else None
            with scratch(self._folders.state / "scratch") as folder:
                installed = wheels.unpack(lines, target, self._network, folder, asked)
                yield from apart.parts(installed)

        key: list[Json] = [role, _recipe(), [list(target.options), list(lines)]]
        return self._shelf.layers(role, digest.of_json(key), make)

    def _packages(self, wanted: tuple[Deb, ...]) -> dict[str, debs.Package]:
        return pool.load(wanted, self._network, self._talk)

    def _made(self, role: Role, key: Json, make: Callable[[], Iterable[Entry]]) -> list[Layer]:
        whole: list[Json] = [role, _recipe(), key]
        return self._shelf.layers(
            role, digest.of_json(whole), lambda: [Part("", sorted_entries(make()))]
        )


def _all(*makers: Callable[[], list[Layer]]) -> list[Layer]:
    """The layers of all, from the bottom; offline, whatever some of them lack is said at once."""
    return [one for layers in gathered(makers) for one in layers]


def _sums(wanted: tuple[Deb, ...]) -> Json:
    return [deb.sha256 for deb in wanted]


def _recipe() -> Json:
    """The digest of the code that turns packages into layers: other code, other layers."""
    makers = (archive, apart, base, debs, layer, wheels)
    return [digest.of_file(Path(module.__file__ or "")) for module in makers]


__all__ = ["Stack"]
