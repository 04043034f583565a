"""What all models have in common here: the columns they take, and how they take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from .graph import plain
from .parity import Answers
from .said import Failure
from .table import Row, Table


class Native(Protocol):
    """A loaded model; ``columns`` are those that it takes, in its order."""

    @property
    def columns(self) -> list[str]:
        """The columns of the table that it takes."""
        ...

    def answers(self, rows: Sequence[Row]) -> Answers:
        """What it says of rows."""
        ...

    def convert(self, numbers: str) -> tuple[Any, dict[str, str]]:
        """The model in ONNX, and the types in which it takes each column.

        ``numbers`` is how it shall take numbers: ``FLOAT``, ``DOUBLE``, or ``OWN`` for the types
        of the table.
        """
        ...


def chosen(names: Sequence[str] | None, width: int, table: Table) -> list[str]:
    """The columns of the table that a model takes: by its names for them, else by position.

    Raises ``Failure`` when the table does not have them.
    """
    free = list(table.kinds)
    spelled = {plain(name): name for name in free}
    if names is not None and all(plain(name) in spelled for name in names):
        return [spelled[plain(name)] for name in names]
    if names is not None and not _made_up(names):
        missing = next(name for name in names if plain(name) not in spelled)
        raise Failure(
            f"The model was trained on a column {missing!r} that the table does not have; it has "
            f"{', '.join(free)}.",
            where="table",
            remedy="Write the table with the columns that the model was trained on.",
        )
    if width != len(free):
        raise Failure(
            f"The model takes {width} columns, but the table has {len(free)} besides the target "
            f"and the ignored ones: {', '.join(free)}.",
            where="table",
            remedy="Write the table with the columns that the model was trained on, in their "
            "order, or name the others in [model] ignore.",
        )
    return free


def _made_up(names: Sequence[str]) -> bool:
    """Whether a framework has numbered the columns itself.

    >>> _made_up(["f0", "f1"]), _made_up(["Column_0"]), _made_up(["fare"])
    (True, True, False)
    """
    return any(
        list(names) == [f"{prefix}{number}" for number in range(len(names))]
        for prefix in ("f", "Column_")
    )


def taken(columns: Sequence[str], table: Table, numbers: str) -> dict[str, str]:
    """The type of ONNX's in which a graph is to take each column."""
    own = {"int": "INT64", "bool": "BOOL"} if numbers == "OWN" else {}
    real = "FLOAT" if numbers == "OWN" else numbers
    kinds = {name: table.kinds[name] for name in columns}
    return {
        name: "STRING" if kind == "string" else own.get(kind, real) for name, kind in kinds.items()
    }


__all__ = ["Native", "chosen", "taken"]
