"""Grading a server: every rule in turn, and what was seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol, TypeVar

import msgspec

from sealift import clock
from sealift.check.protocol import (
    binary,
    errors,
    extensions,
    floats,
    health,
    identity,
    inference,
    limits,
    media,
    metadata,
    raw,
    texts,
)
from sealift.check.protocol.rule import Choice, Fault, Rule, Seen, Severity, Spared, Subject
from sealift.check.protocol.server import Server
from sealift.errors import CheckError
from sealift.ports import Progress

RULES: tuple[Rule[Server], ...] = (
    *health.RULES,
    *metadata.RULES,
    *inference.RULES,
    *identity.RULES,
    *errors.RULES,
    *binary.RULES,
    *raw.RULES,
    *texts.RULES,
    *floats.RULES,
    *media.RULES,
    *extensions.RULES,
    *limits.RULES,
)
"""Every rule of HTTP/REST, by topic; what is large comes last."""

Outcome = Literal["kept", "broken", "open", "spared"]
"""Kept or broken; where the specification is unclear, what the server does; or not to be judged."""

Gradable = TypeVar("Gradable", bound="Learnt")
_ORDER: tuple[Severity, ...] = ("must", "should", "unclear")


class Learnt(Protocol):
    """What can be graded: a server at an address, of which a model was learnt."""

    asked: int
    model: str

    @property
    def address(self) -> str:
        """Where it is."""

    @property
    def introduced(self) -> str:
        """Its name and version, as it tells them."""

    @property
    def alive(self) -> bool:
        """Whether it still answers."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was seen: in words, the request as a command, and the answer in short."""

    message: str
    request: str
    answer: str
    answered: bool = True


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule found. ``severity`` is that of the worst fault, or the rule's own."""

    rule: str
    topic: str
    demands: str
    passage: str
    severity: Severity
    outcome: Outcome
    detail: str
    shown: tuple[Shown, ...]
    seconds: float


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts on one server."""

    address: str
    server: str
    model: str
    requests: int
    started: float
    finished: float
    verdicts: tuple[Verdict, ...]
    gone: str = ""
    """The rule at which the server stopped answering for good; those after it are not judged."""

    def broken(self, severity: Severity) -> list[Verdict]:
        """The broken rules of a severity."""
        return [
            one for one in self.verdicts if one.outcome == "broken" and one.severity == severity
        ]

    @property
    def passed(self) -> bool:
        """Whether nothing is broken that the specification demands."""
        return not self.broken("must")


def grade(
    server: Server, progress: Progress, rules: Iterable[Rule[Server]] = RULES, *, gone: str = ""
) -> Grade:
    """Judge a server that was learnt by every rule, as long as it answers at all."""
    return by(server, progress, rules, gone=gone)


def by(
    server: Gradable, progress: Progress, rules: Iterable[Rule[Gradable]], *, gone: str = ""
) -> Grade:
    """Judge a server by rules of its own kind; ``gone`` names the rule that ended it before."""
    started = clock.now()
    verdicts: list[Verdict] = []
    for one in rules:
        progress.step(one.name, "running")
        verdict = unjudged(one, gone) if gone else judged(server, one)
        if not gone and any(not seen.answered for seen in verdict.shown) and not server.alive:
            gone = one.name
            verdict = msgspec.structs.replace(
                verdict, severity="must", outcome="broken", detail="the server is gone after it"
            )
        progress.step(one.name, verdict.outcome)
        verdicts.append(verdict)
    return Grade(
        address=server.address,
        server=server.introduced,
        model=server.model,
        requests=server.asked,
        started=started,
        finished=clock.now(),
        verdicts=tuple(verdicts),
        gone=gone,
    )


def joined(one: Grade, other: Grade) -> Grade:
    """Two grades of the same server as one."""
    return msgspec.structs.replace(
        one,
        address=" ".join(dict.fromkeys((one.address, other.address))),
        requests=one.requests + other.requests,
        finished=other.finished,
        verdicts=one.verdicts + other.verdicts,
        gone=one.gone or other.gone,
    )


def unjudged(rule: Rule[Subject], gone: str) -> Verdict:
    """The verdict of a rule for which there is no server any more."""
    return Verdict(
        rule=rule.name,
        topic=rule.topic,
        demands=rule.demands,
        passage=rule.passage,
        severity=rule.severity,
        outcome="spared",
        detail=f"the server is gone since {gone}",
        shown=(),
        seconds=0.0,
    )


def judged(server: Subject, rule: Rule[Subject]) -> Verdict:
    """The verdict of one rule."""
    began = clock.monotonic()
    seen: list[Seen] = []
    try:
        # one by one, so that what was seen before the bound of requests is kept
        for one in rule.judge(server):
            seen.append(one)
    except CheckError as error:
        seen.append(Spared(error.what))
    faults = [one for one in seen if isinstance(one, Fault)]
    choices = [one for one in seen if isinstance(one, Choice)]
    spared = [one.why for one in seen if isinstance(one, Spared)]
    shown = [
        Shown(
            message=one.message,
            request=one.shown.command,
            answer=one.shown.told,
            answered=one.shown.answered,
        )
        for one in seen
        if not isinstance(one, Spared)
    ]
    own: Severity = "should" if rule.severity == "unclear" else rule.severity
    found = [one.severity or own for one in faults]
    return Verdict(
        rule=rule.name,
        topic=rule.topic,
        demands=rule.demands,
        passage=rule.passage,
        severity=min(found, key=_ORDER.index) if found else rule.severity,
        outcome=outcome(faults, choices, spared),
        detail="; ".join(one.message for one in choices) or "; ".join(spared),
        shown=tuple(shown),
        seconds=clock.monotonic() - began,
    )


def outcome(faults: list[Fault], choices: list[Choice], spared: list[str]) -> Outcome:
    """In a word."""
    if faults:
        return "broken"
    if choices:
        return "open"
    return "spared" if spared else "kept"


__all__ = ["RULES", "Grade", "Learnt", "Outcome", "Shown", "Verdict", "by", "grade", "joined",
    "judged"]  # fmt: skip
