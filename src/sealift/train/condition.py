"""Whether a step is to run at all: its conditions on metrics that other steps wrote."""

from __future__ import annotations

from collections.abc import Mapping

from sealift.ports import Store
from sealift.record import graph
from sealift.record.run import StepRun
from sealift.train import metrics
from sealift.train.gate import failures
from sealift.train.plan import Planned


def unmet(one: Planned, steps: Mapping[str, StepRun], store: Store) -> str:
    """Why a step is not to run, as a sentence; nothing when it is.

    ``steps`` are those that have ended. Raises ``ProjectError`` for a metric that nobody wrote.
    """
    found: dict[str, float] = {}
    for name in dict.fromkeys(key.partition(".")[0] for key in one.step.when):
        written = store.tree(steps[name].outputs[graph.METRICS])
        found |= {f"{name}.{key}": value for key, value in metrics.read(written, step=name).items()}
    missed = failures(found, one.step.when, where=f"sealift.toml: steps.{one.of}.when")
    return f"{one.name} is skipped: {' and '.join(missed)}." if missed else ""


__all__ = ["unmet"]
