"""The command that shows what this machine can do: doctor."""

from __future__ import annotations

from sealift import doctor as clinic
from sealift.cli.options import HERE, Json, Where
from sealift.cli.output import Page
from sealift.errors import MachineError
from sealift.folders import Folders


def doctor(where: Where = HERE, json: Json = False) -> None:
    """Say what this machine can do, and what to mend."""
    page = Page(as_json=json)
    results = clinic.examine(Folders(where.resolve()))
    page.value(results)
    page.table(
        ("check", "result", "shows"),
        [(one.name, "ok" if one.passed else "PROBLEM", one.detail or one.shows) for one in results],
    )
    for result in results:
        for finding in result.findings:
            place = f" ({finding.place})" if finding.place else ""
            page.line(f"{result.name}: {finding.message}{place}", finding.severity)
            page.line(f"  next: {finding.remedy}", "info")
    if not all(one.passed for one in results):
        raise MachineError(
            "This machine lacks something that Sealift needs.", remedy="Each finding says what."
        )
    page.line("this machine can do all that Sealift needs", "good")


__all__ = ["doctor"]
