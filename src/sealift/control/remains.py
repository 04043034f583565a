"""What runs for a project, found and ended whatever has become of its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import cast

from sealift.adapters.engines.choice import ORDER
from sealift.adapters.table import adapter
from sealift.errors import MachineError, ProjectError
from sealift.ports import Engine, Router
from sealift.record.container import Container
from sealift.retired import lost, retire
from sealift.wiring import Wired

NAMELESS = "service"
"""What the service is called in the router's files while the project file cannot be read."""


def router(wired: Wired) -> Router:
    """The router of the project; it is found and ended by its folder alone."""
    try:
        return wired.router
    except ProjectError:
        made = adapter("router", "traefik")(wired.folders.live, service=NAMELESS)
        return cast("Router", made)


def containers(wired: Wired) -> Iterator[tuple[Engine, Container]]:
    """The project's containers, in every engine that works here, not only the chosen one.

    The project file may have named another one when they were started. Raises ``MachineError``
    when the chosen one cannot be asked.
    """
    chosen = _chosen(wired)
    labels = {"sealift.project": str(wired.folders.root)}
    for name in ORDER:
        made = adapter("engine", name)(wired.store, wired.folders.live / "containers")
        engine = cast("Engine", made)
        try:
            found = engine.find(labels)
        except MachineError:
            if name == chosen:
                raise
            continue
        for container in found:
            yield engine, container


def retire_lost(wired: Wired) -> None:
    """Note as ended the replicas that ended without anybody noting it, as when the power failed.

    Where the project's engine cannot be asked whether they run, none is taken for ended.
    """
    with suppress(MachineError):
        living = {container.name for _, container in containers(wired)}
        for name in lost(wired.folders, living):
            retire(wired.folders, name, failed=True)


def _chosen(wired: Wired) -> str:
    """The engine of the project file; empty when that cannot be read, or none works."""
    try:
        return wired.engine.name
    except (ProjectError, MachineError):
        return ""


__all__ = ["NAMELESS", "containers", "retire_lost", "router"]
