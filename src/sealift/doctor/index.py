"""Where wheels come from."""

from __future__ import annotations

from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import SealiftError
from sealift.package import uv


def look(patient: Patient) -> Seen:
    """Have uv ask the index for a package."""
    if patient.network.offline:
        return Seen("not asked: the network is switched off")
    try:
        uv.probe(patient.network)
    except SealiftError as error:
        return Seen("no wheels to be had", (trouble(error, patient.severity),))
    return Seen("the package index answers")


CHECK = Check("index", "A package index answers, and has what every image needs.", look)

__all__ = ["CHECK"]
