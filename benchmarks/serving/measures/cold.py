"""From the start of the process to the first right answer."""

from __future__ import annotations

from benchmarks.result import Result, result
from benchmarks.serving.field import Field, Table
from benchmarks.serving.reference import reference
from benchmarks.serving.running import Running

COLD = "start of the process to the first right answer"


def measure(field: Field) -> list[Result]:
    """Seconds, beside importing onnxruntime and loading the model."""
    table = Table()

    def started(server: Running) -> None:
        table.add(COLD, server.subject.name, server.seconds)

    absent: dict[str, str] = {}
    for _ in range(field.repeats):
        seen = reference(field.made.onnx)
        table.add(COLD, "import onnxruntime and load the model", seen.seconds)
        absent |= field.each([field.ours, *field.rivals], started)
    base = table.middle(COLD, "import onnxruntime and load the model")
    limit = 1.3 * base if base else None
    rule = "1.3 of importing onnxruntime and loading the model"
    samples = table.of(COLD)
    return [result(COLD, samples, field.where, limit=limit, rule=rule, absent=absent)]


__all__ = ["measure"]
