"""The project file."""

from __future__ import annotations

from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient


def look(patient: Patient) -> Seen:
    """Read it; that there is none is no fault, since ``init`` writes one."""
    if patient.fault is not None:
        return Seen("sealift.toml is wrong", (trouble(patient.fault, "error"),))
    return Seen(patient.project or "no sealift.toml here yet; `sealift init` writes one")


CHECK = Check("project", "The project file can be read.", look)

__all__ = ["CHECK"]
