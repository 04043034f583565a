"""The prediction log: JSON lines, written behind the answers' back.

A request hands its rows to a bounded queue and goes on; a thread writes them in batches. What
does not fit, or cannot be written, is dropped and counted: the log never slows or fails a request.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec

from sealift import clock
from sealift.record.observation import Prediction
from sealift.serve import log
from sealift.serve.tensors import Row
from sealift.serve.thinning import Thinning

PAUSE = 0.1
"""Seconds that the writer lets rows gather: the most that a kill -9 can lose."""


PIECE = 1 << 18
"""Bytes from which lines are written, though others follow at once."""


class Answered(msgspec.Struct, frozen=True):
    """A request of ``count`` rows that was answered, of which those numbered ``kept`` are written.

    ``rows`` spells those, and ``outputs`` has one value for each of them, None where there was
    none. Both are called by the thread that writes them.
    """

    id: str
    at: float
    generation: int
    seconds: float
    count: int
    kept: Sequence[int]
    rows: Callable[[], Sequence[Row]]
    outputs: Callable[[], Sequence[float | str | None]]
    flags: dict[int, list[str]]
    trace: str = ""


class Recorder:
    """Writes ``START-NUMBER.jsonl`` files in a folder, which holds at most ``files`` of them.

    Several may write to a folder: each has a START of its own, and the bound is for all together.

    A file ends when it has reached ``size`` bytes. Names sort by time. ``capacity`` bounds the
    rows that wait to be written. Of more than ``rate`` rows a second (0: any number) an even share
    is written, and the rest counted as ``thinned``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        names: list[str],
        version: int,
        size: int = 8 << 20,
        files: int = 64,
        capacity: int = 20_000,
        rate: float = 0.0,
    ) -> None:
        self.written = 0
        self.thinned = 0
        self._refused = self._lost = 0
        self._folder = folder
        self._names = names
        self._version = version
        self._size = size
        self._files = files
        self._capacity = capacity
        self._queue: deque[Answered] = deque()
        self._added = self._taken = 0
        self._thinning = Thinning(rate)
        self._come = threading.Event()
        self._ending = threading.Event()
        self._idle = self._closed = False
        self._start = clock.identifier()
        self._number = 0
        self._file: BinaryIO | None = None
        self._failing = False
        self._encoder = msgspec.json.Encoder()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Rows that were not written, though they were to be."""
        return self._refused + self._lost

    def chosen(self, rows: int) -> Sequence[int]:
        """The numbers of those to record of so many rows that were answered now."""
        kept = self._thinning.chosen(rows, clock.monotonic())
        if kept is None:
            return range(rows)
        self.thinned += rows - len(kept)
        return kept

    def add(self, answered: Answered) -> None:
        """Queue a request's rows, or drop them when too many wait already.

        Each number is written by one thread alone, so that nobody waits for a lock.
        """
        rows = len(answered.kept)
        if self._closed or self._added - self._taken + rows > self._capacity:
            self._refused += rows
            return
        self._added += rows
        self._queue.append(answered)
        if self._idle:
            self._come.set()

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits and end the thread."""
        self._closed = True
        self._come.set()
        self._ending.set()
        self._thread.join(timeout)

    def _work(self) -> None:
        closed = False
        while not closed:
            self._idle = True
            # whoever added before saw that is found here, whoever adds after sets the event
            if not self._queue and not self._closed:
                self._come.wait()
            self._idle = False
            self._come.clear()
            # let more gather, unless it ends now
            self._ending.wait(PAUSE)
            closed = self._closed
            # by no name: what was written would be held for as long as nothing comes
            self._write(self._gathered())
        if self._file is not None:
            self._end_file(self._file)

    def _gathered(self) -> list[Answered]:
        """What waits to be written, which waits no longer."""
        batch = [self._queue.popleft() for _ in range(len(self._queue))]
        self._taken += sum(len(answered.kept) for answered in batch)
        return batch

    def _write(self, batch: Sequence[Answered]) -> None:
        rows = sum(len(answered.kept) for answered in batch)
        written = sum(map(self._put, self._pieces(batch)))
        self.written += written
        self._lost += rows - written

    def _pieces(self, batch: Sequence[Answered]) -> Iterator[bytes]:
        """Whole lines, so few at a time that neither they nor a file become large."""
        # one by one: the interpreter belongs to this thread while lines are encoded
        encode, lines = self._encoder.encode, bytearray()
        for prediction in chain.from_iterable(map(self._told, batch)):
            lines += encode(prediction)
            lines += b"\n"
            if len(lines) >= PIECE:
                yield bytes(lines)
                lines.clear()
        if lines:
            yield bytes(lines)

    def _told(self, answered: Answered) -> Iterable[Prediction]:
        """The predictions of a request; none where they cannot be spelled."""
        try:
            return self._records(answered)
        except Exception as error:  # noqa: BLE001  others are to be written
            log.fault(error, "Predictions were not recorded.")
            return ()

    def _put(self, lines: bytes) -> int:
        """Write lines; how many were."""
        try:
            return self._append(lines)
        except OSError as error:
            self._complain(error)
            return 0

    def _records(self, answered: Answered) -> Iterator[Prediction]:
        several = answered.count > 1
        found = zip(answered.kept, answered.rows(), answered.outputs(), strict=True)
        return (
            Prediction(
                id=f"{answered.id}/{number}" if several else answered.id,
                at=answered.at,
                version=self._version,
                generation=answered.generation,
                output=output,
                seconds=answered.seconds,
                inputs=dict(zip(self._names, row, strict=True)),
                flagged=tuple(answered.flags.get(number, ())),
                trace=answered.trace,
            )
            for number, row, output in found
            if output is not None
        )

    def _append(self, lines: bytes) -> int:
        if self._file is not None and not os.fstat(self._file.fileno()).st_nlink:
            # another worker made room: what is written to a deleted file is lost
            self._file.close()
            self._file = None
        if self._file is None:
            self._file = self._begin_file()
        begin, done = self._file.seek(0, os.SEEK_END), 0
        try:
            while done < len(lines):
                done += self._file.write(lines[done:])
            self._failing = False
        except OSError as error:
            # a line that was cut off would be glued to the next one
            done = lines.rfind(b"\n", 0, done) + 1
            self._file.truncate(begin + done)
            self._complain(error)
        if begin + done >= self._size:
            finished, self._file = self._file, None
            self._end_file(finished)
        return lines.count(b"\n", 0, done)

    def _begin_file(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        for oldest in sorted(self._folder.glob("*.jsonl"))[: 1 - self._files or None]:
            oldest.unlink(missing_ok=True)
        self._number += 1
        return (self._folder / f"{self._start}-{self._number:06d}.jsonl").open("ab", buffering=0)

    def _end_file(self, file: BinaryIO) -> None:
        try:
            os.fsync(file.fileno())
            file.close()
        except OSError as error:
            log.event("records_not_synced", error=str(error))

    def _complain(self, error: OSError) -> None:
        if not self._failing:
            log.event("records_not_written", error=str(error), folder=str(self._folder))
        self._failing = True


__all__ = ["Answered", "Recorder"]
