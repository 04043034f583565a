"""Looking at everything."""

from __future__ import annotations

from collections.abc import Iterable

from sealift import clock
from sealift.doctor.check import Check
from sealift.doctor.patient import Patient, patient
from sealift.doctor.registry import CHECKS
from sealift.doctor.sweep import swept
from sealift.folders import Folders
from sealift.record.report import CheckResult


def examine(folders: Folders, checks: Iterable[Check] = CHECKS) -> list[CheckResult]:
    """What this machine can do for the project in ``folders``, one result a check.

    Each check really tries; none changes anything, and nothing that one started is left running. A
    finding says what is wrong, where, and the one thing to do about it.
    """
    whom = patient(folders)
    with swept():
        return [_result(check, whom) for check in checks]


def _result(check: Check, whom: Patient) -> CheckResult:
    begin = clock.monotonic()
    seen = check.look(whom)
    return CheckResult(
        name=check.name,
        shows=check.shows,
        findings=seen.findings,
        seconds=clock.monotonic() - begin,
        detail=seen.detail,
    )


__all__ = ["examine"]
