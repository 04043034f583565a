"""Numbers that the processes of a server share: each writes a table of its own, all read all.

The memory is mapped before the processes part, so a number is there for the others as soon as it
is written, and stays when the process that wrote it is killed.
"""

from __future__ import annotations

import mmap
import os
from collections import Counter
from collections.abc import Iterator

import msgspec

SIZE = 1 << 20
"""Bytes of a table: some ten thousand numbers. Pages that are never written take no memory."""

_HEAD = 16
"""Bytes before the first entry: the bytes in use, and a number that nobody reads."""

_SPILL = 1
"""The place of the number that nobody reads, for names that have no room any more."""

STATUS = ("pid", "beat", "ready", "watched")
"""What is told of each worker."""

Name = tuple[str, ...]

_NAMES: msgspec.json.Decoder[Name] = msgspec.json.Decoder(Name)


class Table:
    """Named numbers that one process writes; ``numbers[cell(name)]`` is one of them.

    An entry is the length of its name, the name, and the number; entries are only added, and count
    once the bytes in use include them. A new writer goes on where one that was killed left off.
    """

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._words = memory.cast("Q")
        self.numbers = memory.cast("d")
        self._cells: dict[Name, int] = {}
        self._read = _HEAD
        if not self._words[0]:
            self._words[0] = _HEAD

    def cell(self, *name: str) -> int:
        """The place of a number in ``numbers``; a new one begins with 0."""
        self._look()
        if name in self._cells:
            return self._cells[name]
        text = msgspec.json.encode(name)
        begin = self._words[0]
        room = -len(text) % 8 + len(text)
        end = begin + 8 + room + 8
        if end > len(self._memory):
            self._cells[name] = _SPILL
            return _SPILL
        self._words[begin // 8] = len(text)
        self._memory[begin + 8 : begin + 8 + len(text)] = text
        self.numbers[end // 8 - 1] = 0.0
        self._words[0] = end
        self._look()
        return self._cells[name]

    def find(self, *name: str) -> int | None:
        """The place of a number that was written before."""
        self._look()
        return self._cells.get(name)

    def items(self) -> Iterator[tuple[Name, float]]:
        """All names and their numbers now."""
        self._look()
        for name, cell in self._cells.items():
            if cell != _SPILL:
                yield name, self.numbers[cell]

    def _look(self) -> None:
        """Take in the entries that were added since."""
        used = self._words[0]
        while self._read < used:
            begin = self._read + 8
            length = self._words[self._read // 8]
            self._read = begin + (-length % 8 + length) + 8
            name = _NAMES.decode(self._memory[begin : begin + length])
            self._cells[name] = self._read // 8 - 1


class Family:
    """Numbers of one table that have a name in common and differ in their labels."""

    def __init__(self, table: Table, name: str) -> None:
        self._table = table
        self._name = name
        self.numbers = table.numbers
        self._cells: dict[object, int] = {}

    def add(self, amount: float = 1.0, *labels: str | int) -> None:
        """Add to the number with these labels."""
        self.numbers[self.cell(*labels)] += amount

    def set(self, value: float, *labels: str | int) -> None:
        """Let the number with these labels be ``value``."""
        self.numbers[self.cell(*labels)] = value

    def get(self, *labels: str | int) -> float:
        """The number with these labels; 0 when nobody has written it."""
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._table.find(self._name, *map(str, labels))
            if cell is None:
                return 0.0
            self._cells[labels] = cell
        return self.numbers[cell]

    def cell(self, *labels: str | int) -> int:
        """The place in ``numbers`` of the number with these labels, for who writes it often."""
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._cells[labels] = self._table.cell(self._name, *map(str, labels))
        return cell


class Board:
    """The tables of ``workers`` processes, of the porter, and of their parent.

    ``status`` has of each worker its process (``pid``), a number that grows while its event loop
    goes round (``beat``), whether it is ``ready``, whether standing still would be a fault
    (``watched``), and the last ``order`` that it followed.
    ``orders`` counts, for each model, what all workers were told: see ``Orders``.
    """

    def __init__(self, workers: int) -> None:
        memory = memoryview(mmap.mmap(-1, SIZE * (workers + 2)))
        self.tables = [Table(memory[start : start + SIZE]) for start in range(0, len(memory), SIZE)]
        self.workers = workers
        self.parent = os.getpid()
        self.status = [Family(table, "worker") for table in self.tables[:-1]]
        self.orders = Family(self.tables[-1], "orders")
        # entries are added by one process at a time, and these are written by two
        for status in self.status:
            for name in STATUS:
                status.set(0.0, name)

    @property
    def porter(self) -> Family:
        """What is told of the porter."""
        return self.status[self.workers]

    def totals(self) -> Counter[Name]:
        """Each number, added up over all tables."""
        found: Counter[Name] = Counter()
        for table in self.tables:
            for name, number in table.items():
                found[name] += number  # type: ignore[assignment]
        return found

    def pids(self) -> list[int]:
        """The processes of the workers and the porter, in order; 0 where there is none."""
        return [int(status.get("pid")) for status in self.status]

    def ready(self) -> int:
        """How many workers are ready."""
        return sum(bool(status.get("ready")) for status in self.status)


class Seat(msgspec.Struct, frozen=True):
    """One worker's place at the board."""

    board: Board
    worker: int

    @property
    def table(self) -> Table:
        """The table that this worker writes."""
        return self.board.tables[self.worker]

    @property
    def status(self) -> Family:
        """What this worker tells of itself."""
        return self.board.status[self.worker]


__all__ = ["SIZE", "Board", "Family", "Name", "Seat", "Table"]
