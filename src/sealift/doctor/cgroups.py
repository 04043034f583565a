"""Control groups, by which limits on memory and processor time are enforced."""

from __future__ import annotations

from typing import cast

from sealift.adapters.engines.choice import choose
from sealift.adapters.table import adapter
from sealift.doctor.check import Check, Seen
from sealift.doctor.patient import Patient
from sealift.errors import MachineError
from sealift.ports import Engine
from sealift.record.report import Finding


def look(patient: Patient) -> Seen:
    """Ask the project's engine what it enforces here."""
    folders = patient.folders
    try:
        name = choose(patient.engine.name)
        store = adapter("store", "layout")(folders.layout, folders.unpacked)
        engine = cast("Engine", adapter("engine", name)(store, folders.live / "containers"))
        given = engine.guarantees()
    except MachineError:
        return Seen("there is no engine to ask")
    limits = {"memory": given.memory_limited, "processor time": given.cpu_limited}
    missing = [word for word, limited in limits.items() if not limited]
    if not missing:
        return Seen(f"{name} limits memory and processor time")
    finding = Finding(
        severity="warning",
        message=f"{name} cannot limit {' and '.join(missing)} here; a step that asks is told so.",
        remedy=_remedy(name),
    )
    return Seen(f"{name} does not limit {' and '.join(missing)}", (finding,))


def _remedy(name: str) -> str:
    if name == "bubblewrap":
        return 'Where limits matter, set `name = "podman"` under [engine] in sealift.toml.'
    return "Have the memory and cpu controllers of control groups version 2 delegated to this user."


CHECK = Check("limits", "The limits that a step or a service asks for are enforced.", look)

__all__ = ["CHECK"]
