"""Which container engine the project gets."""

from __future__ import annotations

from sealift.adapters.engines.choice import ORDER, choose
from sealift.adapters.table import adapter
from sealift.doctor.check import Check, Seen, trouble
from sealift.doctor.patient import Patient
from sealift.errors import MachineError

ANOTHER = 'Repair it, or set `name = "auto"` under [engine] in sealift.toml.'


def look(patient: Patient) -> Seen:
    """Ask each engine whether it works."""
    works = [name for name in ORDER if _works(name)]
    able = f"works here: {', '.join(works) or 'none'}"
    chosen = patient.engine.name
    try:
        if chosen != "auto":
            adapter("engine", chosen).probe()
        name = choose(chosen)
    except MachineError as error:
        remedy = "" if chosen == "auto" else ANOTHER
        return Seen(able, (trouble(error, "error", remedy=remedy),))
    return Seen(f"{name}; {able}")


def _works(name: str) -> bool:
    try:
        adapter("engine", name).probe()
    except MachineError:
        return False
    return True


CHECK = Check("engines", "A container engine works: the project's own, or any.", look)

__all__ = ["CHECK"]
