"""Room on the disks that Sealift writes to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sealift.doctor.check import Check, Seen
from sealift.doctor.patient import Patient
from sealift.folders import downloads
from sealift.record.report import Finding, Severity

GIB = 1 << 30
LITTLE, NOTHING = 5 * GIB, GIB
"""Bytes: packages, two images and the runs of a small project take one to five gibibytes."""

FILES = 50_000
"""An unpacked image with the usual packages has that many files."""


def look(patient: Patient) -> Seen:
    """Measure the folder of the project and that of the downloads."""
    folders = {"project": _existing(patient.folders.state), "downloads": _existing(downloads())}
    free = {name: os.statvfs(path) for name, path in folders.items()}
    words = [f"{name} {rest.f_bavail * rest.f_frsize / GIB:.0f} GiB" for name, rest in free.items()]
    findings = [one for name, path in folders.items() for one in _faults(path, free[name])]
    return Seen(f"free: {', '.join(words)}", tuple(findings))


def _faults(path: Path, rest: os.statvfs_result) -> Iterator[Finding]:
    size = rest.f_bavail * rest.f_frsize
    if not os.access(path, os.W_OK):
        yield _finding("error", "Nothing can be written here.", path, "Make the folder writable.")
    if size < LITTLE:
        yield _finding(
            "error" if size < NOTHING else "warning",
            f"Only {size / GIB:.1f} GiB are free; images and runs take {LITTLE / GIB:.0f}.",
            path,
            "Free some space, or move the folder to a larger disk.",
        )
    # Some file systems make room for files as needed and report none at all.
    if rest.f_files > 0 and rest.f_favail < FILES:
        yield _finding(
            "warning",
            f"Only {rest.f_favail} more files fit on the disk.",
            path,
            "Delete files that nobody needs, or move the folder to another disk.",
        )


def _finding(severity: Severity, message: str, path: Path, remedy: str) -> Finding:
    return Finding(severity=severity, message=message, place=str(path), remedy=remedy)


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


CHECK = Check("disk", "There is room for images, runs and downloads.", look)

__all__ = ["CHECK"]
