"""The engine in memory: containers are functions, and any effect can be made to fail."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sealift import clock
from sealift.errors import NotFoundError
from sealift.record.container import Container, ContainerSpec, Exit, Guarantees

KILLED = 137
"""The status of a container that was killed for the time it took."""

EVERYTHING = Guarantees(
    network_isolated=True, memory_limited=True, cpu_limited=True, survives_caller=True
)


class MemoryEngine:
    """Implements ``ports.Engine`` without a process.

    ``program`` is what every container does: it gets the specification, may write below its mounts
    and its log, and returns the exit status. ``seconds`` is how long each run says it took; one
    with a shorter timeout is killed. ``fault`` is called with the name of each effect and the
    container's before it happens and may raise. ``ran`` and ``containers`` keep what was asked for.
    """

    def __init__(
        self,
        program: Callable[[ContainerSpec], int] = lambda _: 0,
        *,
        fault: Callable[[str, str], None] = lambda _effect, _name: None,
        guarantees: Guarantees = EVERYTHING,
        seconds: float = 0.01,
    ) -> None:
        self.ran: list[ContainerSpec] = []
        self.containers: dict[str, Container] = {}
        self._program = program
        self._fault = fault
        self._guarantees = guarantees
        self._seconds = seconds

    @property
    def name(self) -> str:
        """Its name."""
        return "memory"

    def guarantees(self) -> Guarantees:
        """What it was told to say."""
        return self._guarantees

    def run(self, spec: ContainerSpec, *, timeout: float | None = None) -> Exit:
        """Call the program."""
        self._fault("run", spec.name)
        self.ran.append(spec)
        if timeout is not None and timeout < self._seconds:
            return Exit(status=KILLED, seconds=timeout, timed_out=True)
        return Exit(status=self._program(spec), seconds=self._seconds)

    def start(self, spec: ContainerSpec) -> Container:
        """List it as running; its program is not called."""
        self._fault("start", spec.name)
        container = Container(
            id=clock.token(32),
            name=spec.name,
            engine=self.name,
            image=spec.image,
            labels=spec.labels,
            running=True,
            started=clock.now(),
        )
        self.containers[container.id] = container
        return container

    def stop(self, container: Container, *, grace: float) -> None:
        """Forget it; a ``grace`` of any length is over at once."""
        del grace
        self._fault("stop", container.name)
        self.containers.pop(container.id, None)

    def find(self, labels: dict[str, str]) -> list[Container]:
        """Every container that was started and not stopped, with these labels."""
        self._fault("find", "")
        known = list(self.containers.values())  # at once, for others may start some meanwhile
        return [one for one in known if labels.items() <= one.labels.items()]

    def crash(self, container: Container) -> None:
        """Let it end by itself. Raises ``NotFoundError`` when it was stopped before."""
        if container.id not in self.containers:
            raise NotFoundError("There is no such container to crash.", where=container.name)
        self.containers[container.id] = msgspec.structs.replace(container, running=False)


__all__ = ["EVERYTHING", "MemoryEngine"]
