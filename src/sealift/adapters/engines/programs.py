"""The one error for a container whose program is not there, whatever engine says so."""

from __future__ import annotations

from sealift.errors import MachineError


def not_runnable(said: str, log: str) -> MachineError:
    """The error for a program that was not found or cannot be run, in the engine's words."""
    return MachineError(
        f"The container's program cannot be run: {said}.",
        where=log,
        remedy="Check the command, and that its program is in the image.",
    )


__all__ = ["not_runnable"]
