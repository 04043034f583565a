"""How far two outputs are apart: file by file, by bytes, else by values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sealift import digest
from sealift.record.reproduction import Verdict
from sealift.train.again import content
from sealift.train.again.content import Values

SHOWN = 5
"""Places that are named at most."""

LARGE = 1 << 30
"""Bytes up to which a file is compared by values."""


@dataclass(frozen=True)
class Gap:
    """The distance of two outputs.

    ``relative`` is the largest relative difference of numbers: 0 for the same values, None where
    they differ in something else than numbers. ``places`` names where, ``texts`` gives pairs of
    different texts, first the recorded one.
    """

    relative: float | None
    places: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()

    def verdict(self, tolerance: float) -> Verdict:
        """The verdict of two outputs that are not the same bytes.

        >>> [Gap(relative).verdict(1e-6) for relative in (0.0, 1e-7, 0.1, None)]
        ['identical values', 'within tolerance', 'different', 'different']
        """
        if self.relative == 0:
            return "identical values"
        if self.relative is not None and self.relative <= tolerance:
            return "within tolerance"
        return "different"


def between(recorded: Path, again: Path, name: str) -> Gap:
    """The gap between two trees: folders, or files of this name, which tells what is in them."""
    if recorded.is_dir() != again.is_dir():
        return Gap(None, ("one is a file, the other a folder",))
    if not recorded.is_dir():
        return _of_files(name, recorded, again)
    old, new = _names(recorded), _names(again)
    if old.keys() != new.keys():
        missing = [f"{name} is missing" for name in sorted(old.keys() - new.keys())]
        added = [f"{name} is new" for name in sorted(new.keys() - old.keys())]
        return Gap(None, tuple((missing + added)[:SHOWN]))
    return _together([_of_files(name, old[name], new[name]) for name in sorted(old)])


def of_values(name: str, old: Values, new: Values) -> Gap:
    """The gap between what two files say.

    Numbers are compared by array: the largest difference over the largest magnitude in either
    (the relative error in the maximum norm: Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., section 1.2 and 6.2).
    """
    if old.keys() != new.keys():
        first = sorted(old.keys() ^ new.keys())[0]
        return Gap(None, (f"{name}: only one has {first}",))
    return _together([_of_value(f"{name}: {key}", old[key], new[key]) for key in old])


def _of_files(name: str, recorded: Path, again: Path) -> Gap:
    if recorded.is_symlink() or again.is_symlink():
        same = recorded.is_symlink() and again.is_symlink()
        same = same and recorded.readlink() == again.readlink()
        return Gap(0.0) if same else Gap(None, (f"{name} is another link",))
    if digest.of_file(recorded) == digest.of_file(again):
        return Gap(0.0)
    if max(recorded.stat().st_size, again.stat().st_size) > LARGE:
        return Gap(None, (f"{name} (too large to compare by values)",))
    old, new = recorded.read_bytes(), again.read_bytes()
    before, after = content.read(name, old), content.read(name, new)
    if before is None or after is None:
        return Gap(None, (f"{name} {_bytes(old, new)}",), _lines(old, new))
    return of_values(name, before, after)


def _bytes(old: bytes, new: bytes) -> str:
    size = f"has {len(new):,} bytes, not {len(old):,}" if len(old) != len(new) else "differs"
    shared = min(len(old), len(new))
    differ = np.nonzero(np.frombuffer(old[:shared], "u1") != np.frombuffer(new[:shared], "u1"))[0]
    first = int(differ[0]) if len(differ) else shared
    return f"{size}, from byte {first:,} on"


def _lines(old: bytes, new: bytes) -> tuple[tuple[str, str], ...]:
    """The lines of two texts that are not the same; none of what is no text."""
    try:
        before, after = old.decode().splitlines(), new.decode().splitlines()
    except UnicodeDecodeError:
        return ()
    pairs = ((one, other) for one, other in zip(before, after, strict=False) if one != other)
    return tuple(islice(pairs, SHOWN))


def _of_value(place: str, old: Any, new: Any) -> Gap:
    if isinstance(old, str) or isinstance(new, str):
        if isinstance(old, str) and isinstance(new, str):
            return Gap(0.0) if old == new else Gap(None, (place,), ((old, new),))
        return Gap(None, (place,))
    if old.shape != new.shape or old.dtype != new.dtype:
        return Gap(None, (f"{place} has another shape or type",))
    apart = _relative(old, new)
    if apart == 0:
        return Gap(0.0)
    text = ((str(old[0]), str(new[0])),) if old.shape == (1,) else ()
    return Gap(apart, (f"{place} by {apart:.2g}",) if apart is not None else (place,), text)


def _relative(old: Any, new: Any) -> float | None:
    """The relative difference of two arrays; None where it has no size."""
    if old.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(old, new) else None
    if np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
        return 0.0
    left, right = old.astype(np.float64), new.astype(np.float64)
    if not np.array_equal(np.isnan(left), np.isnan(right)):
        return None
    finite = np.isfinite(left) & np.isfinite(right)
    if not np.array_equal(left[~finite], right[~finite], equal_nan=True):
        return None
    left, right = left[finite], right[finite]
    scale = max(float(np.abs(left).max(initial=0)), float(np.abs(right).max(initial=0)))
    apart = float(np.abs(left / scale - right / scale).max(initial=0)) if scale else 0.0
    # whole numbers beyond 2^53 may differ and yet be the same floats
    return max(apart, math.ulp(0.0))


def _together(gaps: list[Gap]) -> Gap:
    sizes = [gap.relative for gap in gaps]
    return Gap(
        None if None in sizes else max((size for size in sizes if size is not None), default=0.0),
        tuple(place for gap in gaps for place in gap.places)[:SHOWN],
        tuple(pair for gap in gaps for pair in gap.texts)[: 4 * SHOWN],
    )


def _names(root: Path) -> dict[str, Path]:
    return dict(_files(root, ""))


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(folder.iterdir()):
        name = f"{prefix}{entry.name}"
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry, f"{name}/")
        else:
            yield name, entry


__all__ = ["Gap", "between", "of_values"]
