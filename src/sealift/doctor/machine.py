"""The machine itself: its system, its processor and the interpreter."""

from __future__ import annotations

import os
import platform
import sys

from sealift.doctor.check import Check, Seen
from sealift.doctor.patient import Patient
from sealift.record.report import Finding

PROCESSORS = ("x86_64", "aarch64")


def look(patient: Patient) -> Seen:
    """Compare them with what images are built for."""
    del patient
    system, processor = platform.system(), platform.machine()
    findings = []
    if system != "Linux":
        findings.append(
            Finding(
                severity="error",
                message=f"Containers need Linux; this is {system}.",
                remedy="Work in a Linux virtual machine or, on Windows, in WSL 2.",
            )
        )
    if processor not in PROCESSORS:
        findings.append(
            Finding(
                severity="error",
                message=f"There are no packages for a processor of the kind {processor}.",
                remedy=f"Use a machine of the kind {' or '.join(PROCESSORS)}.",
            )
        )
    version = ".".join(map(str, sys.version_info[:3]))
    cores = len(os.sched_getaffinity(0)) if system == "Linux" else os.cpu_count()
    detail = f"{system} {platform.release()}, {processor}, {cores} cores, Python {version}"
    return Seen(detail, tuple(findings))


CHECK = Check("machine", "The system and the processor are ones that images exist for.", look)

__all__ = ["CHECK"]
