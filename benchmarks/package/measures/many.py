"""Ten models on the same packages: what a registry keeps of them, and how long they take."""

from __future__ import annotations

from benchmarks.package.field import Field, scratch, seconds
from benchmarks.package.measures.changes import weights
from benchmarks.package.places import WORK
from benchmarks.package.registry import registry
from benchmarks.package.subject import Subject
from benchmarks.result import Result, result

MODELS = 10
SIZE = 1_000_000


def measure(field: Field) -> list[Result]:
    """Bytes that the tenth and all ten add to a registry which had nothing of the subject's."""
    folder = scratch("many")
    files = [weights(folder / f"{seed}.bin", SIZE, 1000 + seed) for seed in range(MODELS)]
    stored: dict[str, list[float]] = {}

    def rounds(subject: Subject) -> list[float]:
        with registry(WORK / "many") as empty:
            took = 0.0
            for number, path in enumerate(files):
                subject.set_weights(path)
                reference = f"{empty.host}/models:{number}"
                took += seconds(lambda where=reference: subject.deliver(where))  # type: ignore[misc]
            stored[subject.name] = [empty.stored / 1e6]
        return [took]

    samples, absent = field.each(rounds)
    return [
        result("ten models: bytes in the registry", stored, field.where, unit="MB", absent=absent),
        result("ten models: build and push of all", samples, field.where, absent=absent),
    ]


__all__ = ["measure"]
