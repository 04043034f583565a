"""Summaries made in one pass that can be added up: counts of values in fixed bins.

The profile of a field, made from the training data, fixes the bins; a sketch counts what comes
later in the same bins. The cost of storing and comparing is per bin, not per row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sealift.record.observation import Sketch
from sealift.record.profile import FieldProfile

Value = float | int | bool | str | None
Floats = npt.NDArray[np.float64]


def profile_numbers(name: str, values: Floats, *, bins: int = 20) -> FieldProfile:
    """The profile of a column of numbers (NaN: no value), with about ``bins`` bins.

    The edges are quantiles, so that the bins hold about the same number of rows. A value that
    holds more than its share of the rows gets a bin of its own, and with at most ``bins``
    different values each has one, between a bin for all below and one for all above: a constant
    column shows that it is constant no more. Infinities count, but describe nothing.

    >>> profile_numbers("stops", np.array([0.0, 1.0, 1.0, np.nan])).counts
    (0, 1, 2, 0)
    """
    finite = values[np.isfinite(values)]
    edges = _edges(finite, bins)
    mean, deviation = _moments(finite)
    empty = FieldProfile(name=name, edges=edges, mean=mean, deviation=deviation)
    counts, nulls = _count_numbers(empty, values)
    return FieldProfile(
        name=name, edges=edges, counts=counts, nulls=nulls, mean=mean, deviation=deviation
    )


def profile_texts(name: str, values: Sequence[str | None], *, limit: int = 100) -> FieldProfile:
    """The profile of a column of texts (None: no value): a bin for each of the most frequent
    ``limit`` texts (equally frequent ones in alphabetical order), then one for all others.

    >>> profile_texts("carrier", ["UA", "AA", "UA", None]).categories
    ('UA', 'AA')
    """
    seen = Counter(value for value in values if value is not None)
    ranked = sorted(seen, key=lambda text: (-seen[text], text))[:limit]
    counts = [seen[text] for text in ranked]
    return FieldProfile(
        name=name,
        categories=tuple(ranked),
        counts=(*counts, seen.total() - sum(counts)),
        nulls=len(values) - seen.total(),
    )


def count(profile: FieldProfile, values: Sequence[Value] | Floats) -> tuple[tuple[int, ...], int]:
    """How many of the values fall in each bin of the profile, and how many are no value.

    In a profile of numbers a text counts as the number that it spells, or else as no value; in a
    profile of texts a number counts as its shortest spelling (``1.0`` as ``1``).

    >>> count(profile_texts("carrier", ["UA", "AA", "UA"]), ["AA", "ZZ", None])
    ((0, 1, 1), 1)
    """
    if profile.categories:
        return _count_texts(profile, values)
    if isinstance(values, np.ndarray):
        return _count_numbers(profile, values.astype(np.float64))
    if not profile.edges:
        return _count_any(values)
    return _count_numbers(profile, np.array([_number(value) for value in values], np.float64))


def add(a: Sketch, b: Sketch) -> Sketch:
    """Two sketches of the same field and version as one, from the earlier start on.

    Raises ``ValueError`` when they are not of the same field, version and bins.
    """
    if (a.version, a.field, len(a.counts)) != (b.version, b.field, len(b.counts)):
        raise ValueError(
            f"Sketches of {a.field!r} in version {a.version} ({len(a.counts)} bins) and of "
            f"{b.field!r} in version {b.version} ({len(b.counts)} bins) cannot be added."
        )
    return Sketch(
        version=a.version,
        field=a.field,
        since=min(a.since, b.since),
        counts=tuple(left + right for left, right in zip(a.counts, b.counts, strict=True)),
        nulls=a.nulls + b.nulls,
    )


def _edges(finite: Floats, bins: int) -> tuple[float, ...]:
    edges = np.unique(finite)
    alone = edges[-1:]
    if len(edges) > bins:
        shares = np.arange(1, bins) / bins
        quantiles = np.quantile(finite, shares, method="inverted_cdf")
        edges, repeats = np.unique(quantiles, return_counts=True)
        alone = edges[repeats > 1]
    with np.errstate(over="ignore"):
        edges = np.unique(np.concatenate([edges, np.nextafter(alone, np.inf)]))
    # JSON holds no infinity, which is what follows the largest number
    return tuple(edges[np.isfinite(edges)].tolist())


def _moments(finite: Floats) -> tuple[float, float]:
    # scaled, because sums and squares of huge values overflow
    scale = float(np.max(np.abs(finite), initial=0.0))
    if scale == 0.0:
        return 0.0, 0.0
    return scale * float(np.mean(finite / scale)), scale * float(np.std(finite / scale))


def _count_numbers(profile: FieldProfile, values: Floats) -> tuple[tuple[int, ...], int]:
    present = values[~np.isnan(values)]
    places = np.searchsorted(np.array(profile.edges, np.float64), present, side="right")
    counts = np.bincount(places, minlength=len(profile.edges) + 1)
    return tuple(counts.tolist()), len(values) - len(present)


def _count_texts(
    profile: FieldProfile, values: Sequence[Value] | Floats
) -> tuple[tuple[int, ...], int]:
    seen = Counter(_text(value) for value in values)
    nulls = seen.pop(None, 0)
    counts = [seen.pop(text, 0) for text in profile.categories]
    return (*counts, seen.total()), nulls


def _count_any(values: Sequence[Value]) -> tuple[tuple[int, ...], int]:
    nulls = sum(_text(value) is None for value in values)
    return (len(values) - nulls,), nulls


def _number(value: Value) -> float:
    try:
        return float("nan") if value is None else float(value)
    except ValueError:
        return float("nan")
    except OverflowError:
        return float("inf") if isinstance(value, int) and value > 0 else float("-inf")


def _text(value: Value) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if np.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(float(value))
    return None if value is None else str(value)


__all__ = ["add", "count", "profile_numbers", "profile_texts"]
