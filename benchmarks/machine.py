"""The machine and the commit that numbers belong to, without names of hosts, users or folders."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.result import Where
from sealift import process

REPOSITORY = Path(__file__).parent.parent


def where() -> Where:
    """Describe this run."""
    today = datetime.now(tz=UTC).date().isoformat()
    return Where(machine=machine(), commit=commit(), date=today)


def machine() -> str:
    """Cores, memory, kernel and distribution in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return (
        f"{os.cpu_count()} cores ({processor()}), {memory:.0f} GiB, {system}, "
        f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )


def processor() -> str:
    """The model of the processor as the kernel names it, else its architecture."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def commit() -> str:
    """The commit of the working tree, with a plus where files differ from it."""
    head = process.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=REPOSITORY).text
    changed = process.run(["git", "status", "--porcelain", "-uno", "--", "src"], cwd=REPOSITORY)
    return head + ("+" if changed.text else "")


__all__ = ["REPOSITORY", "commit", "machine", "where"]
