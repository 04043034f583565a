"""The reference profile: what the training data looked like, in a few kilobytes.

A sketch counts values in bins fixed by the profile, so that sketches of the same field can be
added up, whoever made them and when.
"""

from __future__ import annotations

import msgspec


class FieldProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the training data.

    For numbers, ``edges`` are the inner edges of the bins (k edges make k+1 bins: below the first,
    between, from the last up) and ``mean`` and ``deviation`` describe the values; for texts,
    ``categories`` are the bins, followed by one bin for any other. ``counts`` holds the rows a bin,
    ``nulls`` those without a value.
    """

    name: str
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    nulls: int = 0
    mean: float = 0.0
    deviation: float = 0.0


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The training data, field by field, with the target and the model's own answers.

    ``baseline`` is the constant prediction with the smallest loss on the training data (mean,
    or most frequent class): the yardstick that takes noise out of comparisons.
    """

    rows: int
    fields: tuple[FieldProfile, ...]
    target: FieldProfile
    prediction: FieldProfile
    baseline: float | str
