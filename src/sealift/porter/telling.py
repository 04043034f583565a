"""What a porter says at its end, in the file that the cluster reads it from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from sealift.errors import MachineError, SealiftError
from sealift.kubernetes.porter import TOLD

_MOST = 4000
"""Characters of a message that a cluster keeps: 4096 bytes, of ASCII for what counts."""


def telling(work: Callable[[], str], told: Path = Path(TOLD)) -> int:
    """Do the work and tell what it gives, or what went wrong; the exit status."""
    try:
        _tell(told, work())
    except SealiftError as error:
        _tell(told, error.what)
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        _tell(told, f"{error.strerror or error} ({error.filename})")
        sys.stderr.write(f"{error}\n")
        return MachineError.exit_code
    return 0


def _tell(told: Path, message: str) -> None:
    with told.open("w", encoding="utf-8") as file:
        file.write(message[:_MOST])


__all__ = ["telling"]
