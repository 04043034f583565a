"""How the record of a release changes: pure functions from record to record.

    planned ──> starting ──> observing ──> promoting ──> ended
       │            │            │             │           ^
       │            └────────────┴─────────────┴> rolling-back
       └───────────────────────────────────────────────────┘

Blue-green, and the first release of a service, go from starting to promoting at once. Each change
is stored before anything is done about it.
"""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec.structs import replace

from sealift.errors import UsageError
from sealift.record.release import Audit, Event, Outcome, Release, Verdict

PARTS = 1000
"""Weights of the routes are parts of this."""

_SAID: dict[Outcome, str] = {
    "promoted": "Promoted: model {new} serves.",
    "rolled-back": "Rolled back: {old}.",
    "undecided": "Ended undecided: {old}.",
    "failed": "Failed: {old}.",
    "cancelled": "Cancelled: {old}.",
}


class Turn(Protocol):
    """A change that decides where a release goes, and why."""

    def __call__(self, release: Release, why: str, *, generation: int, now: float) -> Release:
        """The record after it."""
        ...


def ask(release: Release, wish: Literal["promote", "rollback"], *, by: str, now: float) -> Release:
    """A person wants a release to end one way or the other.

    Raises ``UsageError`` when it has ended, or is on its way back already.
    """
    if release.state == "ended":
        raise UsageError(
            f"Release {release.id} has ended ({release.outcome}).", remedy="Start another release."
        )
    if release.state == "rolling-back" and wish == "promote":
        raise UsageError(
            f"Release {release.id} is being rolled back.",
            remedy="Wait for its end, and release the model again.",
        )
    words = {"promote": "be promoted", "rollback": "be rolled back"}[wish]
    asked = f"{by} asked for model {release.version} to {words}."
    return _tell(replace(release, request=wish), now, asked)


def prepare(
    release: Release, *, previous: int | None, first_request: int, first_scored: int, now: float
) -> Release:
    """Its turn has come: the stable version it is compared with, and where its evidence begins."""
    begun = replace(
        release,
        state="starting",
        previous=previous,
        first_request=first_request,
        first_scored=first_scored,
    )
    return _tell(begun, now, f"Starting model {release.version}.")


def observe(release: Release, *, generation: int, now: float) -> Release:
    """The candidate gets its first share of the traffic."""
    begun = replace(release, state="observing", stage=0, began=now)
    return _share(begun, generation, release.plan.stages[0], now, "")


def advance(release: Release, verdict: Verdict, *, generation: int, now: float) -> Release:
    """The candidate gets the share of the next stage."""
    stage = release.stage + 1
    later = replace(release, stage=stage, verdict=verdict)
    return _share(later, generation, release.plan.stages[stage], now, verdict.reason)


def pause(release: Release, *, generation: int, now: float) -> Release:
    """The candidate is not there: the stable version gets its share too, for a while."""
    what = f"Model {release.version} is not there; it gets no traffic until it is ready."
    return _tell(_share_only(release, generation, 0.0), now, what)


def paused(release: Release) -> bool:
    """Whether the candidate has no share, although it is being observed."""
    return release.shares.get(str(release.generation)) == 0.0


def resume(release: Release, *, generation: int, now: float) -> Release:
    """The candidate is there again, and gets the share of its stage."""
    share = release.plan.stages[release.stage]
    return _share(release, generation, share, now, "it is ready again.")


def promote(release: Release, why: str, *, generation: int, now: float) -> Release:
    """The candidate gets all the traffic."""
    began = now if release.began is None else release.began
    later = replace(release, state="promoting", began=began)
    return _share(later, generation, 1.0, now, why)


def retreat(
    release: Release, why: str, *, outcome: Outcome, generation: int, now: float
) -> Release:
    """The stable version gets all the traffic; a candidate that had none changes no route.

    The outcome is settled here: nothing that happens on the way back changes it.
    """
    later = replace(release, state="rolling-back", outcome=outcome)
    if release.shares:
        later = _share_only(later, generation, 0.0)
    target = "no model" if release.previous is None else f"model {release.previous}"
    return _tell(later, now, f"Back to {target}: {why}")


def cancel(release: Release, previous: int | None, *, now: float) -> Release:
    """It ends before it has begun; the stable version goes on."""
    return end(replace(release, previous=previous), release.audit, now=now)


def end(release: Release, audit: Audit, *, now: float) -> Release:
    """Nothing is left to do; unless a person has just asked for the way back."""
    if release.state == "promoting" and release.request == "rollback":
        return release
    outcome = release.outcome or ("promoted" if release.state == "promoting" else "cancelled")
    old = "no model serves" if release.previous is None else f"model {release.previous} serves"
    done = replace(release, state="ended", outcome=outcome, ended=now, audit=audit)
    return _tell(done, now, _SAID[outcome].format(new=release.version, old=old))


def abandon(release: Release, audit: Audit, *, now: float) -> Release:
    """The version that it goes back to does not come back: it ends on the way."""
    done = replace(release, state="ended", ended=now, audit=audit)
    what = f"Model {release.previous} does not come back; the route stays. Release another model."
    return _tell(done, now, what)


def note(release: Release, what: str, *, now: float) -> Release:
    """A line in the diary, unless it is the last one already."""
    if release.events and release.events[-1].what == what:
        return release
    return _tell(release, now, what)


def weights(release: Release) -> dict[int, int]:
    """The traffic by version that the record demands, in parts of 1000; empty for none at all."""
    parts = round(release.shares.get(str(release.generation), 0.0) * PARTS)
    shares = {release.version: parts}
    if release.previous is not None and release.previous != release.version:
        shares[release.previous] = PARTS - parts
    return {version: weight for version, weight in shares.items() if weight > 0}


def _share(release: Release, generation: int, share: float, now: float, why: str) -> Release:
    later = _share_only(release, generation, share)
    stages = len(release.plan.stages)
    place = f" (stage {release.stage + 1} of {stages})" if release.state == "observing" else ""
    part = "all" if share == 1.0 else f"{100 * share:g}% of"
    what = f"Model {release.version} gets {part} the traffic{place}"
    return _tell(later, now, f"{what}: {why}" if why else f"{what}.")


def _share_only(release: Release, generation: int, share: float) -> Release:
    """The share as the router can keep it, known to the record before the route is in force."""
    kept = round(share * PARTS) / PARTS
    shares = release.shares | {str(generation): kept}
    return replace(release, generation=generation, shares=shares)


def _tell(release: Release, now: float, what: str) -> Release:
    return replace(release, events=(*release.events, Event(at=now, what=what)))


__all__ = [
    "PARTS",
    "Turn",
    "abandon",
    "advance",
    "ask",
    "cancel",
    "end",
    "note",
    "observe",
    "pause",
    "paused",
    "prepare",
    "promote",
    "resume",
    "retreat",
    "weights",
]
