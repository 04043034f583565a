"""What replicas that have ended leave behind: prediction records, and logs.

That a replica has ended for good is written into its folder of records, by whoever ended it. From
then on nothing is added there: the collector reads it to the end, and removes it then.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from sealift import clock
from sealift.folders import Folders

MARK = "ended"
KEPT = 5
"""Logs of failed replicas that stay, the newest, for whoever looks for the reason."""
SETTLED = 3600.0
"""Seconds that a folder was left alone after which no replica is only about to start in it."""

_LOG = re.compile(r".+-v\d+-[0-9a-f]{6}\.log")


def retire(folders: Folders, name: str, *, failed: bool) -> None:
    """Note that a replica has ended for good; of its log, only one that failed is of use.

    Safe to repeat. Where nothing can be written nothing happens: it is noted another time.
    """
    with suppress(OSError):
        if (folders.records / name).is_dir():
            (folders.records / name / MARK).touch()
        if not failed:
            (folders.live / f"{name}.log").unlink(missing_ok=True)
        _prune(folders)


def is_retired(records: Path) -> bool:
    """Whether the replica with this folder of records has ended for good."""
    return (records / MARK).exists()


def lost(folders: Folders, living: set[str]) -> list[str]:
    """Replicas that are not living and that nobody noted as ended, as after a crash.

    A folder in which something was written lately may be that of one that runs, whatever the
    engines say, or is about to start.
    """
    before = clock.now() - SETTLED
    found = folders.records.glob("*/")
    return sorted(
        one.name
        for one in found
        if one.name not in living and not is_retired(one) and _touched(one) < before
    )


def _touched(records: Path) -> float:
    """When a folder, or a file in it, was written last."""
    return max(path.stat().st_mtime for path in (records, *records.iterdir()))


def _prune(folders: Folders) -> None:
    """Remove all but the newest logs of replicas that have ended.

    One that lives, or is about to start, has a folder of records without the mark.
    """
    logs = [path for path in folders.live.glob("*.log") if _LOG.fullmatch(path.name)]
    ended = [path for path in logs if not _may_live(folders.records / path.stem)]
    for path in sorted(ended, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        path.unlink(missing_ok=True)


def _may_live(records: Path) -> bool:
    return records.is_dir() and not is_retired(records)


__all__ = ["KEPT", "MARK", "SETTLED", "is_retired", "lost", "retire"]
