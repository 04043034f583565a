"""One service taking over a new version: its plan, its steps, its evidence, its verdict."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.types import Digest

Outcome = Literal["promoted", "rolled-back", "undecided", "failed", "cancelled"]
State = Literal["planned", "starting", "observing", "promoting", "rolling-back", "ended"]
Standing = Literal["worse", "not-worse", "open"]


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """One respect in which the candidate must not be worse.

    ``margin`` is a fraction: of requests for errors and error_rate (absolute), of the stable
    version's value for latency_p99, mae and mse (relative).
    """

    name: str
    margin: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for; shares are fractions of the traffic for the candidate.

    ``stage_requests`` answers of the candidate must be seen in a stage before the next begins.
    """

    strategy: Literal["blue-green", "canary"]
    stages: tuple[float, ...]
    guards: tuple[Guard, ...]
    stage_requests: int
    alpha: float
    limit: float
    undecided: Literal["rollback", "hold"]


class GuardEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where one guard stands, in numbers a person can check.

    ``difference`` is candidate minus stable; ``lower`` and ``upper`` bound it at every moment of
    the release with the plan's confidence; ``e_value`` is the evidence that the candidate is
    worse (rolled back at ``threshold`` or above). ``unusable`` labelled predictions were left out,
    since the guard cannot be worked out from them.
    """

    guard: str
    standing: Standing
    stable: float | None = None
    candidate: float | None = None
    stable_count: int = 0
    candidate_count: int = 0
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    margin: float
    e_value: float | None = None
    threshold: float | None = None
    unit: str = ""
    unusable: int = 0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the evidence says now, and why, in one sentence."""

    decision: Literal["promote", "rollback", "advance", "continue", "undecided"]
    reason: str
    evidence: tuple[GuardEvidence, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a release's diary."""

    at: float
    what: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What the router saw from the first change of the release to its last.

    ``failed`` counts answers of 500 and above and requests without an answer.
    """

    requests: int = 0
    failed: int = 0
    by_version: dict[str, int] = {}


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a release; every change of ``state`` is stored before it is acted on.

    ``generation`` numbers the routes that the router was given; requests and predictions carry
    it, so that the share in force at each of them is known: ``shares`` maps it to the
    candidate's fraction. ``first_request`` and ``first_scored`` are the serial numbers of the last
    observations before the release: the evidence can be worked out anew from those behind them.
    ``began`` is when the candidate first got traffic.
    ``outcome`` is known once it goes back, and "promoted" once it has ended. ``request`` is what
    a person asked for meanwhile. ``environment`` is empty for this machine;
    ``left`` is when the service was taken down there.
    """

    id: str
    service: str
    plan: Plan
    version: int
    image: Digest
    report: Digest
    previous: int | None
    user: str
    comment: str
    created: float
    state: State = "planned"
    stage: int = 0
    generation: int = 0
    shares: dict[str, float] = {}
    first_request: int = 0
    first_scored: int = 0
    events: tuple[Event, ...] = ()
    verdict: Verdict | None = None
    outcome: Outcome | None = None
    began: float | None = None
    ended: float | None = None
    audit: Audit = Audit()
    request: Literal["", "promote", "rollback"] = ""
    environment: str = ""
    left: float | None = None
