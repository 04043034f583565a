"""Graphics cards that steps ask for, and whether a machine has them."""

from __future__ import annotations

from sealift.errors import MachineError
from sealift.ports import Engine
from sealift.record.container import Cards
from sealift.record.project import Step


def wanted(step: Step, there: int | None) -> int:
    """How many cards a step takes where so many are there; None: whoever runs it sees to that."""
    if there is None or not step.gpus:
        return 0
    return max(1, there) if step.gpus == "all" else step.gpus


def words(cards: Cards) -> str:
    """A number of cards in words.

    >>> words(1), words(2), words("all")
    ('1 graphics card', '2 graphics cards', 'all graphics cards')
    """
    return f"{cards} graphics card{'' if cards == 1 else 's'}"


def lacking(step: Step, engine: Engine) -> str:
    """What is missing on this machine for a step to run, as a sentence; nothing where it can."""
    if not step.gpus:
        return ""
    there = engine.guarantees().gpus
    if there is None or wanted(step, there) <= there:
        return ""
    has = words(there) if there else "none"
    return f"It asks for {words(step.gpus)}; {engine.name} finds {has} here."


def refuse(name: str, step: Step, engine: Engine) -> None:
    """Raises ``MachineError`` for a step that this machine has not the cards for."""
    if missing := lacking(step, engine):
        raise MachineError(
            f"Step {name!r} cannot run on this machine. {missing}",
            where=f"sealift.toml: steps.{name.partition('[')[0]}.gpus",
            remedy="Cards are known by their CDI specification: `nvidia-ctk cdi generate "
            "--output=/etc/cdi/nvidia.yaml` writes it. Or run the step elsewhere: with "
            "cache.shared its outputs come from there.",
        )


__all__ = ["lacking", "refuse", "wanted", "words"]
