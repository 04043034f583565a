"""The compiled part of the model server."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import PackageError
from sealift.package import compiled
from sealift.package.linker import MACHINES
from sealift.record.report import Finding
from sealift.serve import native


def look(patient: Patient) -> Seen:
    """Load that of this machine; images need that of their own platform."""
    del patient
    processor = platform.machine()
    if native.library():
        detail = f"loaded for {processor}"
    else:
        detail = f"none for {processor}: servers outside images answer without it"
    return Seen(detail, tuple(_absent()))


def _absent() -> Iterator[Finding]:
    """The libraries that images could not be given."""
    for one in MACHINES:
        try:
            list(compiled.entries(one, ""))
        except PackageError as error:
            yield trouble(error, "error")
    here = any(machine.platform == platform.machine() for machine in MACHINES.values())
    found = native.loaded()
    if here and (found.fault or not found.code):
        why = found.fault or "there is none"
        message = f"The server's compiled part for {platform.machine()} is not used: {why}."
        yield Finding(severity="error", message=message, remedy=native.REMEDY)


CHECK = Check("compiled", "The compiled part of the model server is there.", look)

__all__ = ["CHECK"]
