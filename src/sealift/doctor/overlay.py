"""Overlay file systems, on which rootless podman lays an image's layers over each other."""

from __future__ import annotations

import shutil
from pathlib import Path

from sealift import process
from sealift.adapters.engines import bwrap_program
from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import MachineError
from sealift.record.report import Finding


def look(patient: Patient) -> Seen:
    """Mount one inside a user namespace."""
    try:
        program = bwrap_program.locate()
    except MachineError as error:
        return Seen("not tried, for want of bubblewrap", (trouble(error, "info"),))
    source = _existing(patient.folders.root.absolute())
    words = ["--unshare-user", "--ro-bind", "/", "/", "--overlay-src", str(source)]
    words += ["--tmp-overlay", str(source), "--", str(program), "--version"]
    done = process.run([program, *words], timeout=20.0)
    if done.status == 0:
        return Seen("the kernel lays folders over each other")
    if shutil.which("fuse-overlayfs"):
        return Seen("fuse-overlayfs lays folders over each other")
    finding = Finding(
        severity="info",
        message="Rootless podman would copy each layer, since this machine refuses overlay mounts.",
        place=str(source),
        remedy="Install the distribution's package fuse-overlayfs; bubblewrap does not need it.",
    )
    return Seen("refused; bubblewrap does without", (finding,))


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


CHECK = Check("overlay", "Layers can be laid over each other without copying.", look)

__all__ = ["CHECK"]
