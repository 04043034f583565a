"""The graphics cards of this machine, and the version of what drives them.

NVIDIA's driver tells both in files (driver README, chapter "Using the Driver's /proc interface"):
``version`` with a line such as "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.03  ...",
and ``gpus/ADDRESS/information`` for each card with a line "Model: ...". Where they are hidden, as
in many containers, its program ``nvidia-smi`` tells the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sealift import process
from sealift.errors import MachineError

DRIVER = Path("/proc/driver/nvidia")
PATIENCE = 10.0
"""Seconds for the program, which wakes cards that sleep."""
QUERY = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")


@dataclass(frozen=True)
class Graphics:
    """Models of cards, one each, and the driver's version; nothing where there are none."""

    models: tuple[str, ...] = ()
    driver: str = ""


def graphics(driver: Path = DRIVER) -> Graphics:
    """What this machine has."""
    version = re.search(r"\b\d+\.\d+(\.\d+)?\b", _text(driver / "version"))
    cards = sorted(driver.glob("gpus/*/information"))
    models = tuple(found for card in cards if (found := _model(_text(card))))
    if version and models:
        return Graphics(models, version.group())
    return _asked() if version or Path("/dev/nvidiactl").exists() else Graphics()


def table(answer: str) -> Graphics:
    """The answer of nvidia-smi, a line for each card.

    >>> table("NVIDIA H200, 580.159.03\\nNVIDIA H200, 580.159.03\\n")
    Graphics(models=('NVIDIA H200', 'NVIDIA H200'), driver='580.159.03')
    """
    lines = [line.rpartition(",") for line in answer.splitlines() if "," in line]
    models = tuple(name.strip() for name, _, _ in lines)
    return Graphics(models, lines[0][2].strip() if lines else "")


def _asked() -> Graphics:
    try:
        done = process.run(list(QUERY), timeout=PATIENCE)
    except MachineError:
        return Graphics()
    return table(done.text) if done.status == 0 else Graphics()


def _model(information: str) -> str:
    found = re.search(r"^Model:\s*(.+?)\s*$", information, re.MULTILINE)
    return found.group(1) if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


__all__ = ["Graphics", "graphics", "table"]
