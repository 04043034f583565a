"""A first build, with every package in the local caches and no layer anywhere, pushed.

Bytecode lies in the same cache as packages: it is there, but for a machine's very first build.
"""

from __future__ import annotations

import msgspec

from benchmarks.package.field import Field, seconds
from benchmarks.package.places import WORK
from benchmarks.package.registry import registry
from benchmarks.package.subject import Subject
from benchmarks.result import Result, result

COLD = "cold build and push, packages cached"


def measure(field: Field) -> list[Result]:
    """Seconds from nothing to an image in the registry, which has the rivals' base already.

    Ours goes to an empty registry each time: its bytes never change, so another would have them.
    """

    def rounds(subject: Subject) -> list[float]:
        return [once(subject) for _ in field.rounds(subject)]

    def once(subject: Subject) -> float:
        subject.forget()
        if subject is not field.ours:
            return seconds(lambda: subject.deliver(field.reference(subject, "cold")))
        return to_nothing()

    def to_nothing() -> float:
        with registry(WORK / "empty") as empty:
            return seconds(lambda: field.ours.deliver(f"{empty.host}/cold:1"))

    def compiled() -> float:
        field.ours.forget()
        field.ours.forget_bytecode()
        return to_nothing()

    samples, absent = field.each(rounds)
    first = {**samples, "ours": [compiled() for _ in field.rounds(field.ours)]}
    return [
        within_half(result(COLD, samples, field.where, absent=absent)),
        result(f"{COLD}, bytecode compiled", first, field.where, absent=absent),
    ]


def within_half(made: Result) -> Result:
    """The same result with the limit: half of the fastest Dockerfile with pip."""
    usual = [value for name, value in made.rivals.items() if name.endswith(", pip")]
    if not usual:
        return made
    rule = "half of the fastest Dockerfile that installs with pip"
    return msgspec.structs.replace(made, limit=min(usual) / 2, rule=rule)


__all__ = ["measure", "within_half"]
