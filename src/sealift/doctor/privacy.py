"""Who may look into what Sealift keeps."""

from __future__ import annotations

import shlex

from sealift.doctor.check import Check, Seen
from sealift.doctor.patient import Patient
from sealift.folders import is_open
from sealift.record.report import Finding


def look(patient: Patient) -> Seen:
    """Look at the permissions of the project's state; that there is none yet is no fault."""
    folder = patient.folders.state
    if not folder.is_dir():
        return Seen("nothing is kept here yet")
    if not is_open(folder):
        return Seen("only its owner may look")
    finding = Finding(
        severity="warning",
        message="Others may look into the folder with the project's keys and tokens.",
        place=str(folder),
        remedy=f"Its owner closes it with `chmod 700 {shlex.quote(str(folder))}`.",
    )
    return Seen("others too", (finding,))


CHECK = Check("privacy", "Only its owner can read what Sealift keeps, keys among it.", look)

__all__ = ["CHECK"]
