"""The project's own checks: ``checks/*.py`` beside its project file, with the same interface.

A file has a name ``CHECK``, a ``Check``, or ``CHECKS``, several. What it raises is a finding.
"""

from __future__ import annotations

import runpy
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from sealift import clock
from sealift.check.check import Check, error
from sealift.check.target import Target
from sealift.errors import CheckError, SealiftError
from sealift.record.report import Finding

FOLDER = "checks"
LAST = ("killed", "drain")
"""The checks that end the server, before which those of the project come."""

REMEDY = "See docs/checks.md: CHECK = Check(name=..., shows=..., findings=...)."


def load(folder: Path | None, taken: Collection[str]) -> tuple[Check, ...]:
    """The checks in a folder by the order of its files; none where there is no such folder.

    Files that begin with an underscore are left alone. Raises ``CheckError`` for a file that
    cannot be run or holds no check, and for a name that is ``taken`` or given twice.
    """
    found: list[Check] = []
    for file in sorted(folder.glob("[!_]*.py")) if folder else ():
        for one in read(file):
            if one.name in {*taken, *(other.name for other in found)}:
                raise CheckError(
                    f"There is a check {one.name!r} already.",
                    where=f"{FOLDER}/{file.name}",
                    remedy="Give it a name of its own.",
                )
            found.append(one)
    return tuple(found)


def read(file: Path) -> list[Check]:
    """The checks of a file, each of which turns whatever it raises into a finding."""
    where = f"{FOLDER}/{file.name}"
    try:
        names = runpy.run_path(str(file))
    except (Exception, SystemExit) as reason:  # the user may raise anything
        raise CheckError(
            f"A check of the project cannot be loaded: {said(reason)}.",
            where=place(reason, file),
            remedy="Mend it, or move it out of the folder.",
        ) from reason
    listed = names.get("CHECKS", [names["CHECK"]] if "CHECK" in names else [])
    if not isinstance(listed, Sequence) or not listed:
        raise CheckError("The file holds no check.", where=where, remedy=REMEDY)
    for one in listed:
        if not isinstance(one, Check):
            raise CheckError(f"{one!r} is no check.", where=where, remedy=REMEDY)
    return [replace(one, findings=guarded(one, file)) for one in listed]


def guarded(one: Check, file: Path) -> Callable[[Target], Iterator[Finding]]:
    """Findings that end with one of their own where the user's code raises, exits or hangs."""

    def judged(target: Target) -> Iterator[Finding]:
        found: Queue[Finding | SealiftError | None] = Queue()
        Thread(target=carry_out, args=(one, target, file, found), daemon=True).start()
        until = clock.monotonic() + one.limit
        while True:
            try:
                noticed = found.get(timeout=max(0.0, until - clock.monotonic()))
            except Empty:
                yield error(
                    f"It did not end within {one.limit:g} s, and was left behind.",
                    place=f"{FOLDER}/{file.name}",
                    remedy="Mend it, or give it more time: Check(..., limit=SECONDS).",
                )
                return
            if noticed is None:
                return
            if isinstance(noticed, SealiftError):
                raise noticed
            yield noticed

    return judged


def carry_out(
    one: Check, target: Target, file: Path, found: Queue[Finding | SealiftError | None]
) -> None:
    """Put each finding of a check into a queue, and None at its end."""
    try:
        for noticed in one.findings(target) or ():
            right = isinstance(noticed, Finding)
            found.put(noticed if right else error(f"{noticed!r} is no finding.", remedy=REMEDY))
    except SealiftError as reason:
        found.put(reason)
    except (Exception, SystemExit) as reason:  # noqa: BLE001  the user may raise anything
        found.put(error(f"It raised {said(reason)}.", place=place(reason, file), remedy=REMEDY))
    finally:
        found.put(None)


def place(reason: BaseException, file: Path) -> str:
    """Where in a file an exception came from, as far as that is known."""
    number = line(reason, file)
    return f"{FOLDER}/{file.name}, line {number}" if number else f"{FOLDER}/{file.name}"


def said(reason: BaseException) -> str:
    """An exception in a few words."""
    return f"{type(reason).__name__}: {reason}".rstrip(": .")


def line(reason: BaseException, file: Path) -> int:
    """The last line of a file that an exception came by; 0 where it did not."""
    if isinstance(reason, SyntaxError) and reason.filename == str(file):
        return reason.lineno or 0
    frames = traceback.extract_tb(reason.__traceback__)
    numbers = [frame.lineno or 0 for frame in frames if frame.filename == str(file)]
    return numbers[-1] if numbers else 0


def joined(checks: Sequence[Check], own: Sequence[Check]) -> tuple[Check, ...]:
    """Our checks and the project's, which come before those that end the server."""
    cut = next((at for at, one in enumerate(checks) if one.name in LAST), len(checks))
    return (*checks[:cut], *own, *checks[cut:])


__all__ = ["FOLDER", "joined", "load"]
