"""A release for a person: its verdict, its evidence, its audit."""

from __future__ import annotations

from sealift.cli.output import Page, number
from sealift.errors import ReleaseError
from sealift.record.release import GuardEvidence, Release


def show_release(page: Page, one: Release) -> None:
    """A release for a person: verdict, evidence, audit."""
    page.line(
        f"release {one.id}  model {one.version} (before: {one.previous or 'none'})  "
        f"{one.plan.strategy}  {one.outcome or one.state}",
        "good" if one.outcome == "promoted" else "warning",
    )
    if one.verdict is not None:
        page.line(one.verdict.reason)
        page.table(EVIDENCE_HEADS, [evidence_row(guard) for guard in one.verdict.evidence])
    audit = one.audit
    shares = ", ".join(f"model {name}: {count:,}" for name, count in audit.by_version.items())
    page.line(f"audit: {audit.requests:,} requests, {audit.failed:,} failed ({shares or 'none'})")


EVIDENCE_HEADS = (
    "guard",
    "stable",
    "candidate",
    "difference",
    "at least",
    "at most",
    "margin",
    "standing",
)


def evidence_row(guard: GuardEvidence) -> tuple[str, ...]:
    """One guard's numbers as cells."""
    return (
        guard.guard,
        f"{number(guard.stable)} ({guard.stable_count:,})",
        f"{number(guard.candidate)} ({guard.candidate_count:,})",
        number(guard.difference),
        number(guard.lower),
        number(guard.upper),
        number(guard.margin),
        guard.standing,
    )


def judge_outcome(one: Release) -> None:
    """Raises ``ReleaseError`` for a release that did not end with a promotion."""
    if one.outcome != "promoted":
        reason = one.verdict.reason if one.verdict else one.events[-1].what
        raise ReleaseError(
            f"Model {one.version} was not promoted ({one.outcome}): {reason}",
            where=f"release {one.id}",
            remedy="See `sealift watch`, mend the model, and release it again.",
        )


__all__ = ["judge_outcome", "show_release"]
