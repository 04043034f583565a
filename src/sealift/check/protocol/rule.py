"""What a rule of the protocol is, and what it can find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar

Subject = TypeVar("Subject")
"""What is judged: a server as it is asked by HTTP, or by gRPC."""

Severity = Literal["must", "should", "unclear"]
"""The specification demands it; it is good manners; or the specification contradicts itself."""


class Evidence(Protocol):
    """A request and its answer: the command that sends it again, and the answer in short."""

    @property
    def command(self) -> str:
        """For a shell."""

    @property
    def told(self) -> str:
        """In a line."""

    @property
    def answered(self) -> bool:
        """Whether anything came."""


@dataclass(frozen=True)
class Fault:
    """Something that breaks the rule, and the exchange that shows it.

    ``severity`` is the rule's own if None; a rule that demands much may break in a small way.
    """

    message: str
    shown: Evidence
    severity: Severity | None = None


@dataclass(frozen=True)
class Choice:
    """What a server does where the specification leaves it open."""

    message: str
    shown: Evidence


@dataclass(frozen=True)
class Spared:
    """Why there is nothing to judge."""

    why: str


Seen: TypeAlias = Fault | Choice | Spared
Judge: TypeAlias = Callable[[Subject], Iterator[Seen]]


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """One rule: what it demands, where the specification says so, and how a server is judged."""

    name: str
    topic: str
    demands: str
    passage: str
    severity: Severity
    judge: Judge[Subject]


def rule(severity: Severity, passage: str) -> Callable[[Judge[Subject]], Rule[Subject]]:
    """Make a rule of a function: its name, its module and its docstring say what it is.

    Rules of gRPC have that before their names and topics.
    """

    def made(judge: Judge[Subject]) -> Rule[Subject]:
        folder, _, topic = judge.__module__.rpartition(".")
        kind = "grpc" if folder.endswith(".rpc") else ""
        name = "-".join([kind, judge.__name__]).strip("-").replace("_", "-")
        topic = f"{kind} {topic}".strip()
        demands = " ".join((judge.__doc__ or name).split())
        return Rule(name, topic, demands, passage, severity, judge)

    return made


def rest(section: str) -> str:
    """A section of the protocol's document on HTTP/REST."""
    return f"Open Inference Protocol, HTTP/REST: {section}"


def grpc(section: str) -> str:
    """A section of the protocol's document on gRPC, or a member of a message in it."""
    return f"Open Inference Protocol, gRPC: {section}"


def transport(document: str, section: str) -> str:
    """A section of a document of gRPC itself."""
    return f"gRPC, {document}: {section}"


def extension(name: str, section: str) -> str:
    """A section of an extension's document, as Triton has published it."""
    return f"Extension {name} (Triton): {section}"


__all__ = ["Choice", "Evidence", "Fault", "Judge", "Rule", "Seen", "Severity", "Spared", "Subject",
    "extension", "grpc", "rest", "rule", "transport"]  # fmt: skip
