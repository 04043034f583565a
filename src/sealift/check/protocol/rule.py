"""What a rule of the protocol is, and what it can find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.server import Server

Severity = Literal["must", "should", "unclear"]
"""The specification demands it; it is good manners; or the specification contradicts itself."""


@dataclass(frozen=True)
class Fault:
    """Something that breaks the rule, and the exchange that shows it.

    ``severity`` is the rule's own if None; a rule that demands much may break in a small way.
    """

    message: str
    shown: Exchange
    severity: Severity | None = None


@dataclass(frozen=True)
class Choice:
    """What a server does where the specification leaves it open."""

    message: str
    shown: Exchange


@dataclass(frozen=True)
class Spared:
    """Why there is nothing to judge."""

    why: str


Seen: TypeAlias = Fault | Choice | Spared
Judge = Callable[[Server], Iterator[Seen]]


@dataclass(frozen=True)
class Rule:
    """One rule: what it demands, where the specification says so, and how a server is judged."""

    name: str
    topic: str
    demands: str
    passage: str
    severity: Severity
    judge: Judge


def rule(severity: Severity, passage: str) -> Callable[[Judge], Rule]:
    """Make a rule of a function: its name, its module and its docstring say what it is."""

    def made(judge: Judge) -> Rule:
        name = judge.__name__.replace("_", "-")
        topic = judge.__module__.rpartition(".")[2]
        demands = " ".join((judge.__doc__ or name).split())
        return Rule(name, topic, demands, passage, severity, judge)

    return made


def rest(section: str) -> str:
    """A section of the protocol's document on HTTP/REST."""
    return f"Open Inference Protocol, HTTP/REST: {section}"


def extension(name: str, section: str) -> str:
    """A section of an extension's document, as Triton has published it."""
    return f"Extension {name} (Triton): {section}"


__all__ = ["Choice", "Fault", "Judge", "Rule", "Seen", "Severity", "Spared", "extension", "rest",
    "rule"]  # fmt: skip
