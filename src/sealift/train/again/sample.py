"""Which steps of a run are audited: some of those that have outputs, at random."""

from __future__ import annotations

from sealift import digest
from sealift.record.run import Run


def sample(run: Run, count: int, salt: str) -> tuple[str, ...]:
    """The names of ``count`` steps (of all, if there are fewer), in the order of the run.

    They are those whose key together with ``salt`` has the smallest digest: any steps, as likely as
    any others, and with the same salt the same again.
    """
    there = [step for step in run.steps if step.status == "done" and step.outputs]
    chosen = sorted(there, key=lambda step: digest.of_bytes(f"{salt} {step.key}".encode()))[:count]
    names = {step.name for step in chosen}
    return tuple(step.name for step in there if step.name in names)


__all__ = ["sample"]
