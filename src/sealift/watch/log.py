"""Reading the prediction logs that the servers write: in pieces, each line once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

import msgspec

from sealift import digest
from sealift.errors import MachineError
from sealift.record.observation import Prediction
from sealift.retired import MARK, is_retired

PIECE = 4 << 20
"""Bytes that are read at a time, and the longest line."""

HEAD = 4096
"""Bytes at the beginning that tell a file from another one of the same name."""

_DECODER = msgspec.json.Decoder(Prediction)


class Place(msgspec.Struct, frozen=True):
    """How far a file has been read, and a digest of the beginning of what was read."""

    offset: int = 0
    head: str = ""


class Progress(msgspec.Struct, frozen=True):
    """Places by ``folder/name``, and the number of lines so far that were no predictions."""

    files: dict[str, Place] = {}
    skipped: int = 0


@dataclass(frozen=True)
class Piece:
    """Some predictions, and where to read on."""

    predictions: list[Prediction]
    progress: Progress


def pieces(folder: Path, progress: Progress, *, size: int = PIECE) -> Iterator[Piece]:
    """What has been added to ``folder/*/*.jsonl`` since, in pieces of about ``size`` bytes.

    A last line without its newline waits for the rest, unless its server has ended. A line that
    is no prediction is counted and skipped. A file that is shorter than what was read of it, or
    begins differently, is a new one; a file that is gone is forgotten. The last piece may hold no
    predictions. Raises ``MachineError`` for a file that cannot be read.
    """
    found = {f"{path.parent.name}/{path.name}": path for path in sorted(folder.glob("*/*.jsonl"))}
    places = {name: place for name, place in progress.files.items() if name in found}
    kept, skipped = progress, progress.skipped
    predictions: list[Prediction] = []
    read = 0
    for name, lines, place in _additions(found, places, size):
        places[name] = place
        good = [one for one in map(_decode, lines) if one is not None]
        predictions += good
        skipped += len(lines) - len(good)
        read += sum(map(len, lines))
        if read >= size:
            kept = Progress(dict(places), skipped)
            yield Piece(predictions, kept)
            predictions, read = [], 0
    last = Progress(places, skipped)
    if last != kept:
        yield Piece(predictions, last)


def _additions(
    found: Mapping[str, Path], places: Mapping[str, Place], size: int
) -> Iterator[tuple[str, list[bytes], Place]]:
    """Whole lines of each file, from its place on, and the place behind them."""
    for name, path in found.items():
        before = places.get(name, Place())
        while True:
            lines, place = _read(path, before, size, whole=is_retired(path.parent))
            if place is None or place == before:
                break
            yield name, lines, place
            before = place


def remove_finished(folder: Path, progress: Progress) -> int:
    """Delete the files that were read to the end and that no server writes to any more.

    A server numbers its files, ``START-NUMBER.jsonl``, and writes to the last one only; so the
    last of each start stays, and so does a file with any other name. Of a server that has ended
    all of them go, and then its folder. Returns how many files went.
    """
    gone = 0
    for path in _finished(folder):
        place = progress.files.get(f"{path.parent.name}/{path.name}", Place())
        try:
            if place.offset == path.stat().st_size:
                path.unlink()
                gone += 1
        except FileNotFoundError:
            continue  # the server made room for newer ones
        except OSError as error:
            raise _unreadable(path, error) from error
    for mark in folder.glob(f"*/{MARK}"):
        if [path.name for path in mark.parent.iterdir()] == [MARK]:
            with suppress(OSError):  # another time, then
                mark.unlink()
                mark.parent.rmdir()
    return gone


def _finished(folder: Path) -> Iterator[Path]:
    starts: defaultdict[tuple[Path, str], list[tuple[int, Path]]] = defaultdict(list)
    for path in folder.glob("*/*.jsonl"):
        if is_retired(path.parent):
            yield path
            continue
        start, _, number = path.stem.rpartition("-")
        if start and number.isdecimal():
            starts[path.parent, start].append((int(number), path))
    for files in starts.values():
        yield from (path for _, path in sorted(files)[:-1])


def _read(path: Path, place: Place, size: int, *, whole: bool) -> tuple[list[bytes], Place | None]:
    """The whole lines from a place on, and the place behind them; None when the file is gone.

    In a ``whole`` file, to which nothing is added any more, the last line needs no newline.
    """
    try:
        with path.open("rb") as file:
            if _head(file, place.offset) != place.head or file.seek(0, SEEK_END) < place.offset:
                place = Place()
            file.seek(place.offset)
            data = file.read(size)
            end = data.rfind(b"\n") + 1
            if (end == 0 and len(data) == size) or (whole and len(data) < size):
                end = len(data)  # no line is as long as a piece: what was damaged is skipped
            offset = place.offset + end
            return data[:end].removesuffix(b"\n").split(b"\n") if end else [], Place(
                offset, _head(file, offset)
            )
    except FileNotFoundError:
        return [], None
    except OSError as error:
        raise _unreadable(path, error) from error


def _head(file: BinaryIO, offset: int) -> str:
    file.seek(0)
    head = file.read(min(offset, HEAD))
    return digest.short(digest.of_bytes(head)) if head else ""


def _decode(line: bytes) -> Prediction | None:
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _unreadable(path: Path, error: OSError) -> MachineError:
    return MachineError(
        f"The prediction log cannot be read: {error.strerror}.",
        where=str(path),
        remedy="Look at the permissions of the folder, and for disk errors.",
    )


__all__ = ["Piece", "Place", "Progress", "pieces", "remove_finished"]
