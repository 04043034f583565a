"""Which engine ``auto`` means on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sealift.adapters.table import adapter
from sealift.errors import MachineError

ORDER = ("bubblewrap", "podman", "docker")
"""Without a daemon first, without root next."""


class Probe(Protocol):
    """A class of engines that can tell whether it works here."""

    def probe(self) -> None:
        """Raises ``MachineError`` that says what is missing."""
        ...


def choose(name: str, probes: Mapping[str, Probe] | None = None) -> str:
    """The engine that ``name`` means: itself, or for ``auto`` the first that works here.

    ``probes`` are the engines to ask, by name; all that there are by default. Raises
    ``MachineError`` when none works, with what each of them said.
    """
    if name != "auto":
        return name
    said = []
    for engine in ORDER:
        try:
            (adapter("engine", engine) if probes is None else probes[engine]).probe()
        except MachineError as error:
            said.append(f"{engine}: {error.what}")
        else:
            return engine
    raise MachineError(
        "No container engine works on this machine. " + " ".join(said),
        remedy="Install podman or docker, or ask for user namespaces; `sealift doctor` says more.",
    )


__all__ = ["ORDER", "Probe", "choose"]
