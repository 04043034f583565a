"""The repositories that were pushed to, by registry: what they have need not be sent again."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from sealift import clock

MOST = 4
"""How many repositories a push looks into: each costs a request a blob that it lacks."""
_KEPT = 16
"""Registries, and repositories of each, that are remembered."""
_NAMES = dict[str, tuple[str, ...]]


class Repositories:
    """The note in ``file``, newest first. Losing it, or a line of it, costs time alone.

    >>> import tempfile
    >>> known = Repositories(Path(tempfile.mkdtemp()) / "repositories.json")
    >>> for name in ("team/flights", "team/rents"):
    ...     known.add("registry.example", name)
    >>> known.beside("registry.example", "team/rents")
    ('team/flights',)
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def beside(self, host: str, repository: str) -> tuple[str, ...]:
        """The last other repositories of a registry that were pushed to."""
        others = [one for one in self._all().get(host, ()) if one != repository]
        return tuple(others[:MOST])

    def add(self, host: str, repository: str) -> None:
        """Remember a push; not where the note cannot be written."""
        known = self._all()
        others = [one for one in known.pop(host, ()) if one != repository]
        known = dict(list(known.items())[1 - _KEPT :])
        known[host] = (repository, *others[: _KEPT - 1])
        part = self._file.with_name(f".{self._file.name}.{clock.token(8)}")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.encode(known))
            part.replace(self._file)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)

    def _all(self) -> _NAMES:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_NAMES)
        except (OSError, msgspec.MsgspecError):
            return {}


__all__ = ["MOST", "Repositories"]
