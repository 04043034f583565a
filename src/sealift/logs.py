"""What programs said before they ended, for errors that show it."""

from __future__ import annotations

from pathlib import Path

TAIL = 12
"""Lines of a log that an error shows."""
WIDTH = 400
"""Characters that it shows of each, from the end."""


def tail(log: Path) -> list[str]:
    """The last lines of a log, without what could disturb a terminal; none where there is no log.

    >>> tail(Path("/nowhere"))
    []
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    plain = "".join(mark if mark.isprintable() or mark == "\n" else " " for mark in text)
    return [line.rstrip()[-WIDTH:] for line in plain.split("\n") if line.strip()][-TAIL:]


__all__ = ["TAIL", "WIDTH", "tail"]
