"""User namespaces, which containers without a daemon are made of."""

from __future__ import annotations

from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import MachineError


def look(patient: Patient) -> Seen:
    """Start an empty container with bubblewrap."""
    del patient
    try:
        Bubblewrap.probe()
    except MachineError as error:
        return Seen("bubblewrap cannot start a container", (trouble(error, "warning"),))
    return Seen("bubblewrap starts containers, with no daemon and no root")


CHECK = Check("namespaces", "This user may make user namespaces.", look)

__all__ = ["CHECK"]
