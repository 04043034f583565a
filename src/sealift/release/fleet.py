"""The replicas of a service: started, found again, kept alive, stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sealift import clock
from sealift.errors import MachineError
from sealift.folders import Folders
from sealift.loopback import HOST
from sealift.ports import Engine
from sealift.record.container import Container, ContainerSpec, Mount
from sealift.record.launch import OWN, Launch, filled
from sealift.release.probe import Loopback, Probe
from sealift.release.servers import START, Standing
from sealift.retired import retire
from sealift.types import Digest

PORT = "sealift.port"
VERSION = "sealift.version"

LOG = "Its log in .sealift/live tells more."
SILENCE = 60.0
"""Seconds without an answer after which one that has been ready, and runs, is taken for hung."""
GRACE = 30.0
"""Seconds that a replica gets to finish what it is doing; longer than its own limit for that."""
LONGEST = 30.0
"""Seconds to wait, at most, before one that dies again and again is started again."""


@dataclass
class Replica:
    """A container that serves, or is about to, or has died and is about to be replaced.

    ``heard`` is when it last answered (or was started), ``fresh`` that it never has; ``proven``
    that there was an answer at its address, by it or one before it. ``again`` is when a dead one is
    to be replaced.
    """

    container: Container
    port: int
    heard: float
    proven: bool = False
    fresh: bool = True
    again: float | None = None

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://{HOST}:{self.port}"


class Fleet:
    """The containers of one service.

    Everything it must remember is in the labels of the containers, so that another process can
    take over at any moment: the version, and the port it listens on.

    ``launches`` says how the server of a version is started.
    """

    patience = START

    def __init__(
        self,
        engine: Engine,
        *,
        service: str,
        folders: Folders,
        launches: Callable[[int], Launch] = lambda _: OWN,
        probe: Probe | None = None,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._engine = engine
        self._service = service
        self._folders = folders
        self._launches = launches
        self._probe = probe or Loopback()
        self._monotonic = monotonic
        self._replicas: dict[int, list[Replica]] = {}
        self._deaths: dict[int, int] = {}
        self._failures: dict[int, int] = {}
        self._addresses: dict[int, list[int]] = {}

    def ensure(self, version: int, image: Digest, *, replicas: int = 1) -> Standing:
        """One look at a version: adopt what runs, replace what died, start what is missing.

        Never waits for a replica to become ready; ask again.
        """
        if version not in self._replicas:
            self._replicas[version] = self._adopt(version, image)
        held = self._replicas[version]
        path = self._launches(version).ready
        answers = [self._probe.ready(one.port, path) for one in held]
        now = self._monotonic()
        for one, answer in zip(held, answers, strict=True):
            if answer:
                one.heard, one.proven, one.fresh = now, True, False
                self._failures[version] = 0
        if not all(answers):
            self._replace(version, held, answers)
        while len(held) < replicas:
            held.append(self._start(version, image, port=self._left(version)))
        while len(held) > replicas:
            last = held.pop()
            self._end(last.container, failed=last.fresh)
        return Standing(
            version=version,
            urls=tuple(one.url for one in held if one.proven),
            ready=len(answers) == replicas and all(answers),
            deaths=self._deaths.get(version, 0),
            cause=LOG,
        )

    def idle(self, version: int) -> bool:
        """Whether no connection to any replica of a version is open."""
        return all(self._probe.idle(_port(one)) for one in self._running(version))

    def stop(self, version: int) -> None:
        """Stop every replica of a version; requests that are in flight are answered first."""
        served = {one.container.id for one in self._replicas.pop(version, []) if not one.fresh}
        self._deaths.pop(version, None)
        self._failures.pop(version, None)
        self._addresses.pop(version, None)
        for container in self._engine.find(self._labels(version)):
            well = container.running and container.id in served
            self._end(container, failed=not well)

    def stop_others(self, keep: Collection[int]) -> None:
        """Stop every version of the service but these."""
        found = {one.labels.get(VERSION, "") for one in self._engine.find(self._labels())}
        for version in sorted(int(text) for text in found if text.isdigit()):
            if version not in keep:
                self.stop(version)

    def _labels(self, version: int | None = None) -> dict[str, str]:
        labels = {"sealift.project": str(self._folders.root), "sealift.service": self._service}
        return labels if version is None else labels | {VERSION: str(version)}

    def _running(self, version: int) -> list[Container]:
        found = self._engine.find(self._labels(version))
        return [one for one in found if one.running]

    def _adopt(self, version: int, image: Digest) -> list[Replica]:
        """What runs already under this version's labels; anything else there is cleared away.

        The addresses of those that have died are kept for those to be started.
        """
        adopted = []
        for one in self._engine.find(self._labels(version)):
            if one.running and one.image == image and _port(one):
                adopted.append(Replica(one, _port(one), self._monotonic()))
            else:
                self._end(one, failed=not one.running)
                self._addresses.setdefault(version, []).append(_port(one))
        return adopted

    def _end(self, container: Container, *, failed: bool, grace: float = GRACE) -> None:
        """Stop one for good."""
        self._engine.stop(container, grace=grace)
        retire(self._folders, container.name, failed=failed)

    def _left(self, version: int) -> int:
        """An address that a replica of this version had; 0 for any."""
        left = self._addresses.get(version)
        return left.pop(0) if left else 0

    def _replace(self, version: int, held: list[Replica], answers: list[bool]) -> None:
        """Start anew, at the same address, what is dead or has hung for long."""
        living = {one.id for one in self._running(version)}
        now = self._monotonic()
        for place, one in enumerate(held):
            hung = now - one.heard > (START if one.fresh else SILENCE)
            if answers[place] or (one.container.id in living and not hung):
                continue
            if one.again is None:
                self._end(one.container, failed=True, grace=0.0)
                one.again = now + self._pause(version, one)
            if now >= one.again:
                successor = self._start(version, one.container.image, port=one.port)
                successor.proven = one.proven and successor.port == one.port
                held[place] = successor

    def _pause(self, version: int, dead: Replica) -> float:
        """Count a death; seconds to wait, none for one that had been well."""
        self._deaths[version] = self._deaths.get(version, 0) + 1
        failures = self._failures.get(version, 0) + dead.fresh
        self._failures[version] = failures
        return min(LONGEST, 2.0 ** (failures - 1)) if failures > 1 else 0.0

    def _start(self, version: int, image: Digest, *, port: int) -> Replica:
        port = self._probe.port(port)
        name = f"{self._service}-v{version}-{clock.token(6)}"
        launch = filled(
            self._launches(version), port=port, image=image, spare=lambda: self._probe.port(0)
        )
        container = self._engine.start(
            ContainerSpec(
                name=name,
                image=image,
                argv=launch.argv,
                env=launch.env,
                mounts=self._mounts(name, launch),
                scratch=launch.scratch,
                workdir=launch.workdir,
                network="host",
                labels=self._labels(version) | {PORT: str(port)},
                log=str(self._folders.live / f"{name}.log"),
            )
        )
        return Replica(container, port, self._monotonic())

    def _mounts(self, name: str, launch: Launch) -> tuple[Mount, ...]:
        """The folder of a replica's records, for a server that writes any."""
        if not launch.records:
            return ()
        records = self._folders.records / name
        try:
            records.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(
                f"The folder of a replica's records cannot be made: {error.strerror}.",
                where=str(records),
            ) from error
        return (Mount(source=str(records), target=launch.records, writable=True),)


def _port(container: Container) -> int:
    text = container.labels.get(PORT, "")
    return int(text) if text.isdigit() else 0


__all__ = ["Fleet"]
