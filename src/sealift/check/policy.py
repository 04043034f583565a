"""What a release demands of a report, and what a report lacks of it; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sealift import clock
from sealift.record.policy import PolicySettings
from sealift.record.report import SPARED, Report
from sealift.record.shape import nearest

SKEW = 300.0
"""Seconds by which two machines' clocks may differ."""

CHECK = "Run `sealift check`."
WHERE = "[release.policy] in sealift.toml"


class Shortfall(NamedTuple):
    """One thing that a report lacks, and what to do about it."""

    what: str
    remedy: str


def shortfalls(
    report: Report, key: str, *, policy: PolicySettings, checks: Collection[str], now: float
) -> Iterator[Shortfall]:
    """What a report lacks that was signed with ``key``, the most important first.

    ``checks`` are those that are made today, ``now`` is in seconds since 1970.
    """
    yield from signer(key, policy)
    yield from outcome(report, policy, checks)
    yield from moment(report, policy, now)
    if policy.engines and report.engine not in policy.engines:
        yield Shortfall(
            f"The image was checked on {report.engine}, and the policy wants "
            f"{' or '.join(policy.engines)}.",
            f"Set engine.name = '{policy.engines[0]}' in sealift.toml and check again, or change "
            f"engines under {WHERE}.",
        )
    warned = [one.name for one in report.results if one.findings]
    if policy.strict and warned:
        yield Shortfall(
            f"The policy is strict, and the image's report warns: {', '.join(warned)}.",
            f"`sealift check` says what to do about each warning; or take strict out of {WHERE}.",
        )


def signer(key: str, policy: PolicySettings) -> Iterator[Shortfall]:
    """The report was signed by one of those that may."""
    if policy.signed_by and key not in policy.signed_by:
        wanted = " or ".join(one[:12] for one in policy.signed_by)
        yield Shortfall(
            f"The image's report is signed by key {key[:12] or 'unknown'}, and the policy wants "
            f"one signed by {wanted}.",
            f"Have the owner of {wanted} run `sealift check` and push the image with the report, "
            f"or add the key to signed_by under {WHERE} (`sealift keys list`).",
        )


def outcome(report: Report, policy: PolicySettings, checks: Collection[str]) -> Iterator[Shortfall]:
    """All checks were made and passed, and those that the policy names did apply."""
    failed = [result.name for result in report.results if not result.passed]
    if failed or not report.passed:
        yield Shortfall(
            f"The image failed its checks: {', '.join(failed) or 'none were made'}.", CHECK
        )
    made = {result.name: result for result in report.results}
    for name in sorted({*policy.checks} - {*checks} - made.keys()):
        yield Shortfall(
            f"The policy demands the check {name!r}, and there is none of this name.",
            f"{nearest(name, checks)} Change checks under {WHERE}, or write the check: see "
            "docs/checks.md.",
        )
    if missing := sorted({*checks} - made.keys()):
        yield Shortfall(f"The image's report lacks checks: {', '.join(missing)}.", CHECK)
    for name in policy.checks:
        if name in made and not made[name].applied:
            because = made[name].detail.removeprefix(SPARED).rstrip(".")
            yield Shortfall(
                f"The policy demands the check {name!r}, which did not apply: {because}.",
                f"Mend that and run `sealift check`, or take {name!r} out of checks under {WHERE}.",
            )


def moment(report: Report, policy: PolicySettings, now: float) -> Iterator[Shortfall]:
    """The report is neither of the future nor too old."""
    if report.finished > now + SKEW:
        yield Shortfall(
            f"The image's report is from the future: {clock.stamp(report.finished)}.",
            "Set this machine's clock, or that of the machine that made the report; then "
            "run `sealift check`.",
        )
    if policy.seconds is not None and now - report.finished > policy.seconds:
        yield Shortfall(
            f"The image's report is too old: {clock.stamp(report.finished)} is more than "
            f"{policy.age} ago.",
            CHECK,
        )


__all__ = ["SKEW", "Shortfall", "shortfalls"]
