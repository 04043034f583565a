"""What the watch stage reports: what moved, how much, and since when."""

from __future__ import annotations

import msgspec

from sealift.record.report import Finding


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A value and where it lies for certain (95 %), however often one looks.

    The bounds are None where there is too little to say.
    """

    value: float
    lower: float | None = None
    upper: float | None = None


class VersionWatch(msgspec.Struct, frozen=True, kw_only=True):
    """How one version served.

    ``since`` and ``until`` are its first and last request or labelled prediction. ``failed``
    counts answers of 500 and above and requests without one; ``p50`` and ``p99`` are seconds of
    all other requests. ``metrics`` compare predictions with their labels: mae, rmse and bias (mean
    of prediction less truth), or error_rate and accuracy.
    """

    version: int
    serving: bool
    since: float | None = None
    until: float | None = None
    requests: int = 0
    failed: int = 0
    error_share: float | None = None
    p50: float | None = None
    p99: float | None = None
    predictions: int = 0
    labels: int = 0
    metrics: dict[str, Estimate] = {}


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One bin that gained or lost: its share of the rows in training and now."""

    bin: str
    before: float
    now: float


class FieldDrift(msgspec.Struct, frozen=True, kw_only=True):
    """How far one field is from the training data.

    ``effect`` is the Jensen-Shannon distance (0 to 1), ``lower`` what is left of it when all that
    chance can account for is taken away; the field ``drifted`` when that is above the threshold.
    ``psi`` is the population stability index and ``shift`` the Wasserstein distance over the bins
    of a number (None for texts). ``since`` is the most likely beginning. ``moved`` are the bins
    that changed most; ``summary`` says which they are in a line.
    """

    field: str
    effect: float
    lower: float
    psi: float
    shift: float | None
    drifted: bool
    rows: int
    since: float | None
    moved: tuple[Move, ...]
    summary: str


class WatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one look, the most important first."""

    since: float
    serving: int | None
    headline: str
    versions: tuple[VersionWatch, ...] = ()
    fields: tuple[FieldDrift, ...] = ()
    prediction: FieldDrift | None = None
    flags: tuple[Finding, ...] = ()
