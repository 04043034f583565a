"""How far the inputs and answers of a version are from its training data. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sealift.record.observation import Sketch
from sealift.record.profile import FieldProfile, Profile
from sealift.record.watch import FieldDrift
from sealift.stats import drift
from sealift.watch.moves import moves, sentence

THRESHOLD = 0.1
"""Jensen-Shannon distance that matters."""

ALPHA = 0.05
"""Probability that any field of a version is ever called drifted that is within the threshold."""


def field_drift(
    profile: FieldProfile, sketches: Sequence[Sketch], *, alpha: float, threshold: float = THRESHOLD
) -> FieldDrift | None:
    """The drift of one field; None where no row was counted in the bins of its profile.

    Missing values are a bin of their own. The sketches are taken in the order of their time.
    """
    bins = len(profile.counts)
    fitting = sorted((one for one in sketches if len(one.counts) == bins), key=lambda s: s.since)
    windows = [(*one.counts, one.nulls) for one in fitting]
    now = np.sum(np.array(windows, dtype=np.int64).reshape(-1, bins + 1), axis=0)
    rows = int(now.sum())
    if rows == 0:
        return None
    before = (*profile.counts, profile.nulls)
    effect, lower = drift.jensen_shannon(before, now), drift.certain(before, now, alpha)
    drifted = lower > threshold
    moved = moves(profile, before, now)
    words = "; ".join(sentence(move) for move in moved[:1]) if effect > threshold else ""
    return FieldDrift(
        field=profile.name,
        effect=effect,
        lower=lower,
        psi=drift.psi(before, now),
        shift=None if profile.categories else drift.wasserstein(profile.counts, now[:-1]),
        drifted=drifted,
        rows=rows,
        since=fitting[drift.onset(before, windows)].since if drifted else None,
        moved=moved,
        summary=words or "no bin stands out",
    )


def drifts(
    profile: Profile, sketches: Sequence[Sketch]
) -> tuple[tuple[FieldDrift, ...], FieldDrift | None]:
    """The drift of the inputs, the worst first, and that of the answers.

    The level is divided by their number, so that together they keep to it (Bonferroni).
    """
    alpha = ALPHA / (len(profile.fields) + 1)
    by_field: dict[str, list[Sketch]] = {}
    for one in sketches:
        by_field.setdefault(one.field, []).append(one)
    found = (field_drift(one, by_field.get(one.name, []), alpha=alpha) for one in profile.fields)
    fields = sorted(
        (one for one in found if one is not None),
        key=lambda one: (-one.lower, -one.effect, one.field),
    )
    answers = by_field.get(profile.prediction.name, [])
    return tuple(fields), field_drift(profile.prediction, answers, alpha=alpha)


__all__ = ["ALPHA", "THRESHOLD", "drifts", "field_drift"]
