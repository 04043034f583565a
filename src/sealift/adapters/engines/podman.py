"""Containers by podman, and by docker, which has the same command line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import ClassVar

import msgspec

from sealift import clock, process
from sealift.adapters.engines import leftovers, marks, podman_image
from sealift.adapters.engines.cdi import Devices, Given
from sealift.adapters.engines.environment import environment, of_image
from sealift.adapters.engines.lease import lease
from sealift.adapters.engines.marks import Mark
from sealift.adapters.engines.mounts import mounts
from sealift.adapters.engines.podman_args import LIVE, MARK, SCRATCH, arguments, lines, title
from sealift.adapters.engines.podman_command import Command, unrunnable
from sealift.adapters.engines.podman_loan import identity, lend, lent
from sealift.adapters.engines.programs import not_runnable
from sealift.errors import MachineError
from sealift.ports import Store
from sealift.record.container import Container, ContainerSpec, Exit, Guarantees
from sealift.types import Digest


class _Host(msgspec.Struct, frozen=True, rename="camel"):
    cgroup_controllers: tuple[str, ...] | None = None


class _PodmanInfo(msgspec.Struct, frozen=True):
    host: _Host


class _DockerInfo(msgspec.Struct, frozen=True, rename="pascal"):
    memory_limit: bool = False
    cpu_cfs_quota: bool = False


class Podman:
    """The engine on top of podman.

    ``live`` is the folder for what belongs to running containers, ``args`` are further options for
    ``podman create`` and ``podman run``. A container that ``run`` starts is removed by a watchdog
    within a second or so of the caller's death, however that dies; if the watchdog is killed as
    well, the next ``run`` or ``find`` removes it. A container that ``start`` starts is found by a
    label, which exists as soon as the container does.

    As root, folders that are mounted writable are given to the container's user; ``run`` gives them
    back when it ends.
    """

    program: ClassVar[str] = "podman"
    maps_users: ClassVar[bool] = True
    # Else podman puts writable folders on /run and /var/tmp.
    own_options: ClassVar[tuple[str, ...]] = ("--read-only-tmpfs=false",)
    # Else podman copies what the image has there, and runc gives it the mode of what was there: so
    # it belongs to the container's user (U).
    empty: ClassVar[str] = f"{SCRATCH},notmpcopyup,U"

    def __init__(
        self,
        store: Store,
        live: Path,
        args: Sequence[str] = (),
        devices: Devices | None = None,
    ) -> None:
        self._store = store
        self._live = live.absolute()
        self._args = tuple(args)
        self._devices = devices or Devices()
        self._command = Command(self.program)

    @property
    def name(self) -> str:
        """Its name in the project file."""
        return self.program

    @classmethod
    def probe(cls) -> None:
        """Ask for its state. Raises ``MachineError`` when the program is missing or fails."""
        Command(cls.program).call("info")

    def guarantees(self) -> Guarantees:
        """What it enforces on this machine, which depends on the control groups it may use."""
        return msgspec.structs.replace(self._guarantees, gpus=self._devices.count())

    def run(self, spec: ContainerSpec, *, timeout: float | None = None) -> Exit:
        """Run to the end; blocks. The container is removed when the caller dies, however it does.

        Raises ``MachineError`` when the container could not be set up.
        """
        self._sweep()
        mark = marks.new(spec, self._live, bound=True)
        name, log = title(mark.name, mark.id), Path(spec.log)
        with (
            self._devices.lent(spec.gpus) as cards,
            lent(mounts(spec)),
            self._removed(name),
        ):
            with self._words(spec, mark, cards) as words:
                self._command.call("create", "--log-driver=none", *words)
            begin, offset = clock.monotonic(), _size(log)
            with lease(self.program, "rm", "--force", name):
                ended = self._attached(name, log, timeout)
            seconds = clock.monotonic() - begin
            return Exit(
                status=self._status(name, _since(log, offset)), seconds=seconds, timed_out=not ended
            )

    def start(self, spec: ContainerSpec) -> Container:
        """Start in the background; it outlives the caller. Returns once its program runs.

        Raises ``MachineError`` when the container could not be set up, or has no such program.
        """
        mark = marks.new(spec, self._live, bound=False)
        lend(mounts(spec))
        try:
            with (
                self._devices.lent(spec.gpus) as cards,
                self._words(spec, mark, cards) as words,
            ):
                self._detached(title(mark.name, mark.id), words, Path(spec.log))
        except BaseException:
            self._remove(title(mark.name, mark.id))
            raise
        return mark.container(engine=self.name, running=True)

    def stop(self, container: Container, *, grace: float) -> None:
        """SIGTERM, then SIGKILL after ``grace`` seconds, rounded up; then forget it."""
        name = title(container.name, container.id)
        if self._command.inspect(name) is not None:
            self._command.tell("stop", f"--time={math.ceil(grace)}", name)
            self._remove(name)

    def find(self, labels: dict[str, str]) -> list[Container]:
        """Every container it started for this project, by whatever process, with these labels.

        One that has ended is among them, until it is stopped.
        """
        found = [
            mark.container(engine=self.name, running=running)
            for mark, running in self._sweep()
            if mark.caller is None and labels.items() <= mark.labels.items()
        ]
        return sorted(found, key=lambda container: (container.started, container.id))

    def _bring(self, image: Digest) -> str:
        """Bring an image in, unless it is there; the engine's own name of it."""
        return podman_image.pull(self._command, self._store, image)

    @cached_property
    def _guarantees(self) -> Guarantees:
        memory, cpu = self._limits()
        return Guarantees(
            network_isolated=True, memory_limited=memory, cpu_limited=cpu, survives_caller=True
        )

    def _limits(self) -> tuple[bool, bool]:
        """Whether memory and processor time can be limited."""
        info = self._command.read(_PodmanInfo, "info", "--format=json")
        controllers = info.host.cgroup_controllers or ()
        return "memory" in controllers, "cpu" in controllers

    @contextmanager
    def _words(self, spec: ContainerSpec, mark: Mark, cards: Given) -> Iterator[list[str]]:
        """The words behind ``create`` or ``run``; a file they name is there within the block."""
        text = lines(environment(of_image(self._store, spec.image), spec), spec.name)
        bound = mounts(spec)
        image = self._bring(spec.image)
        self._live.mkdir(parents=True, exist_ok=True)
        leftovers.clear(self._live, "env-*")
        # Not in memory: without root, podman reads it from another user namespace.
        with NamedTemporaryFile("w", dir=self._live, prefix="env-") as given:
            given.write(text)
            given.flush()
            words = arguments(
                spec,
                mark=mark,
                image=image,
                user=identity(maps_users=self.maps_users),
                env_file=Path(given.name),
                mounts=bound,
                guarantees=self._guarantees,
                empty=self.empty,
            )
            devices = [f"--device={name}" for name in cards.names]
            yield [*self.own_options, *devices, *self._args, *words]

    def _attached(self, name: str, log: Path, timeout: float | None) -> bool:
        """Start it and wait for its end; false if it had to be killed for the time it took."""
        words = [self.program, "start", "--attach", name]
        # its monitor leaves a file called oom where it stands when memory ran out
        client = process.spawn(words, log=log, cwd=self._live)
        try:
            ended = process.wait(client, timeout) is not None
            if not ended:
                self._command.tell("kill", "--signal=KILL", name)
                self._command.tell("wait", name)
        finally:
            client.kill()
            client.wait()
        return ended

    def _status(self, name: str, said: str) -> int:
        found = self._command.inspect(name)
        if found is None:
            raise self._command.failure("start", "the container is gone")
        if found.state.began:
            return found.state.exit_code
        reason = unrunnable(said)
        if reason is None:
            raise self._command.failure("start", said)
        return reason[0]

    def _detached(self, name: str, words: Sequence[str], log: Path) -> None:
        """Start it in the background, with its output going to ``log`` as it is."""
        # In this mode the program writes into the file itself: nothing has to outlive us for that.
        offset = _size(log)
        options = ["run", "--detach", "--log-driver=passthrough", *words]
        client = process.spawn([self.program, *options], log=log, detach=True, cwd=self._live)
        if client.wait() != 0:
            raise self._failure(name, _since(log, offset), log)

    def _failure(self, name: str, said: str, log: Path) -> MachineError:
        if reason := unrunnable(said):
            return not_runnable(reason[1], str(log))
        return self._command.failure(f"run --name={name}", said)

    @contextmanager
    def _removed(self, name: str) -> Iterator[None]:
        try:
            yield
        finally:
            self._remove(name)

    def _remove(self, name: str) -> None:
        self._command.tell("rm", "--force", name)

    def _sweep(self) -> list[tuple[Mark, bool]]:
        """Remove what outlived its caller; all others, and whether they run."""
        listing = ["ps", "--all", "--quiet", "--no-trunc", f"--filter=label={LIVE}={self._live}"]
        others = []
        for name in self._command.call(*listing).split():
            found = self._command.inspect(name)
            mark = marks.read((found.config.labels or {}).get(MARK)) if found else None
            if found is None or mark is None:
                continue
            if mark.orphan():
                self._remove(name)
            else:
                others.append((mark, found.state.running))
        return others


class Docker(Podman):
    """The engine on top of docker; as podman, but for how images come in and logs come out.

    Started by anybody but root, containers run as the caller's own user, which a daemon of root
    does as told; a daemon in a user namespace of its own would not let them write.
    """

    program = "docker"
    maps_users = False
    own_options = ()
    empty = SCRATCH

    def _bring(self, image: Digest) -> str:
        return podman_image.load(self._command, self._store, image, self._live)

    def _limits(self) -> tuple[bool, bool]:
        info = self._command.read(_DockerInfo, "info", "--format={{json .}}")
        return info.memory_limit, info.cpu_cfs_quota

    def _detached(self, name: str, words: Sequence[str], log: Path) -> None:
        done = process.run([self.program, "run", "--detach", *words])
        if done.status != 0:
            raise self._failure(name, done.stderr.decode(errors="replace"), log)
        reader = process.spawn([self.program, "logs", "--follow", name], log=log, detach=True)
        process.leave(reader)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _since(log: Path, offset: int) -> str:
    """The beginning of what was written to a log after ``offset``."""
    with log.open("rb") as stream:
        stream.seek(offset)
        return stream.read(1 << 16).decode(errors="replace")


__all__ = ["Docker", "Podman"]
