"""The programs that come with Sealift."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from sealift import process
from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import MachineError
from sealift.record.report import Finding

PROGRAMS = {"traefik": "version", "uv": "--version"}
AGAIN = "Install Sealift again, for this machine's own processor."


def look(patient: Patient) -> Seen:
    """Run each of them."""
    del patient
    findings = tuple(_faults())
    return Seen(", ".join(PROGRAMS), findings)


def _faults() -> Iterator[Finding]:
    for name, question in PROGRAMS.items():
        beside = Path(sys.executable).parent / name
        try:
            done = process.run([beside if beside.exists() else name, question], timeout=60.0)
        except MachineError as error:
            yield trouble(error, "error", remedy=AGAIN)
            continue
        if done.status != 0:
            message = f"{name} does not run: {done.stderr.decode(errors='replace').strip()}"
            yield Finding(severity="error", message=message, remedy=AGAIN)


CHECK = Check("programs", "The programs that come with Sealift run.", look)

__all__ = ["CHECK"]
