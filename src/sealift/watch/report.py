"""The page: what moved, how much, and since when, by version."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from sealift.ports import Observations
from sealift.record.profile import Profile
from sealift.record.report import Finding
from sealift.record.watch import Estimate, FieldDrift, VersionWatch, WatchReport
from sealift.stats.bounds import rate_bounds
from sealift.watch.drifted import drifts
from sealift.watch.tally import Tally, tallies

TOLERANCE = 0.1
"""A metric may be this much worse than in training before it is an error."""

FAILING = 0.01
"""Share of failed requests that is an error."""

FEW_LABELS = 0.1
"""Share of labelled predictions below which the labels may not speak for all."""

UNANSWERED = 0
"""The version of requests that reached none."""


def watch(
    observations: Observations,
    profiles: Mapping[int, Profile],
    *,
    serving: int | None,
    since: float = 0.0,
    trained: Mapping[int, Mapping[str, float]] | None = None,
    brought: Collection[int] = (),
) -> WatchReport:
    """Read the observations made since an instant (seconds since 1970), and report.

    ``profiles`` are the reference profiles by version, ``serving`` the version that answers now,
    ``trained`` the metrics of each version as they were in training, and ``brought`` the versions
    whose images others built: nothing but requests is seen of those.
    """
    seen = tallies(observations, since=since)
    predictions = {
        version: row["predictions"] for version, row in observations.counts(since=since).items()
    }
    versions = [
        _version(number, seen.get(number, Tally()), predictions.get(number, 0), serving)
        for number in sorted({*seen, *predictions}, key=lambda one: (one != serving, -one))
    ]
    fields: tuple[FieldDrift, ...] = ()
    prediction: FieldDrift | None = None
    if serving is not None and serving in profiles:
        found = observations.sketches(serving, since=since - since % 3600)
        fields, prediction = drifts(profiles[serving], found)
    report = WatchReport(
        since=since,
        serving=serving,
        headline="",
        versions=tuple(versions),
        fields=fields,
        prediction=prediction,
    )
    unusable = {number: tally.unusable for number, tally in seen.items()}
    return unseen(conclude(report, trained or {}, unusable), brought)


def unseen(report: WatchReport, brought: Collection[int]) -> WatchReport:
    """The report, with what it cannot tell of the version that serves if others built that."""
    if report.serving not in brought:
        return report
    flag = Finding(
        severity="info",
        message=f"Model {report.serving} was brought in: its requests, failures and latency are "
        "seen here, its inputs, predictions and labels are not.",
        place=f"model {report.serving}",
    )
    return msgspec.structs.replace(report, flags=(*report.flags, flag))


def conclude(
    report: WatchReport,
    trained: Mapping[int, Mapping[str, float]],
    unusable: Mapping[int, int],
) -> WatchReport:
    """The report with its flags, the gravest first, and a headline."""
    found = [
        *(flag for one in report.versions for flag in _failures(one)),
        *(flag for one in report.versions for flag in _risks(one, trained.get(one.version, {}))),
        *_drift_flags(report),
        *(flag for one in report.versions for flag in _label_flags(one, unusable)),
    ]
    order = ("error", "warning", "info")
    flags = tuple(sorted(found, key=lambda flag: order.index(flag.severity)))
    return msgspec.structs.replace(report, flags=flags, headline=_headline(report, flags))


def _version(number: int, tally: Tally, predictions: int, serving: int | None) -> VersionWatch:
    seen = tally.first <= tally.last
    return VersionWatch(
        version=number,
        serving=number == serving,
        since=tally.first if seen else None,
        until=tally.last if seen else None,
        requests=tally.requests,
        failed=tally.failed,
        error_share=tally.failed / tally.requests if tally.requests else None,
        p50=tally.latency(0.5),
        p99=tally.latency(0.99),
        predictions=predictions,
        labels=len(tally.errors) + tally.right + tally.wrong + tally.unusable,
        metrics=tally.metrics(),
    )


def _failures(one: VersionWatch) -> Iterator[Finding]:
    if one.failed == 0:
        return
    who = f"Model {one.version}" if one.version != UNANSWERED else "No version"
    lower, _ = rate_bounds(one.failed, one.requests)
    yield Finding(
        severity="error" if lower > FAILING else "warning",
        message=f"{who}: {one.failed:,} of {one.requests:,} requests failed.",
        place=f"model {one.version}",
        remedy="See the log of its container." if one.version != UNANSWERED else "",
    )


def _risks(one: VersionWatch, trained: Mapping[str, float]) -> Iterator[Finding]:
    for name, now in one.metrics.items():
        before = trained.get(name)
        if before is None or not _worse(name, now, before):
            continue
        yield Finding(
            severity="error" if one.serving else "warning",
            message=f"{name} of model {one.version} is {now.value:.4g} "
            f"({now.lower:.4g} to {now.upper:.4g}); in training it was {before:.4g}.",
            place=f"model {one.version}",
            remedy="See what drifted, and train on newer data.",
        )


def _worse(name: str, now: Estimate, before: float) -> bool:
    """Whether a metric is worse for certain, by more than the tolerance."""
    if now.lower is None or now.upper is None or name == "bias":
        return False
    if name == "accuracy":
        return 1.0 - now.upper > (1.0 - before) * (1.0 + TOLERANCE)
    return now.lower > before * (1.0 + TOLERANCE)


def _drift_flags(report: WatchReport) -> Iterator[Finding]:
    moved = [one for one in report.fields if one.drifted]
    if report.prediction is not None and report.prediction.drifted:
        yield _drift_flag("The predictions have", report.prediction)
    for one in moved:
        yield _drift_flag(f"Input {one.field} has", one)
    serving = next((one for one in report.versions if one.serving), None)
    if serving is not None and serving.predictions and not report.fields:
        yield Finding(
            severity="warning",
            message=f"The inputs of model {serving.version} are not compared with training.",
            place=f"model {serving.version}",
            remedy="It has no reference profile here, or no input was counted in its bins yet.",
        )


def _drift_flag(what: str, one: FieldDrift) -> Finding:
    return Finding(severity="warning", message=f"{what} moved: {one.summary}.", place=one.field)


def _label_flags(one: VersionWatch, unusable: Mapping[int, int]) -> Iterator[Finding]:
    place = f"model {one.version}"
    bad = unusable.get(one.version, 0)
    if bad:
        yield Finding(
            severity="warning",
            message=f"{bad:,} labels of model {one.version} are no finite numbers.",
            place=place,
            remedy="Give numbers for a regression; these were left out.",
        )
    if one.serving and one.predictions and one.labels < FEW_LABELS * one.predictions:
        yield Finding(
            severity="info",
            message=f"{one.labels:,} of {one.predictions:,} predictions of model {one.version} "
            "have a label: its error may not be that of all.",
            place=place,
            remedy="Add labels with `sealift watch --labels FILE`.",
        )


def _headline(report: WatchReport, flags: tuple[Finding, ...]) -> str:
    if report.serving is None:
        return "No model serves yet."
    one = next((one for one in report.versions if one.serving), None)
    if one is None or one.requests + one.predictions == 0:
        return f"Model {report.serving} has had no requests."
    errors = [flag.message for flag in flags if flag.severity == "error"]
    moved = [field for field in report.fields if field.drifted]
    if report.prediction is not None and report.prediction.drifted:
        moved = [report.prediction, *moved]
    sentences = errors[:1]
    if moved:
        most = max(moved, key=lambda field: field.lower)
        sentences.append(
            f"{_names([field.field for field in moved])} moved away from training"
            f" (most: {most.field}, {most.summary})."
        )
    return " ".join(sentences) or f"Model {one.version} is well: {_well(one, report)}."


def _names(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _well(one: VersionWatch, report: WatchReport) -> str:
    said = [f"{one.requests:,} requests, {one.failed:,} failed"]
    said += [f"{name} {now.value:.4g}" for name, now in list(one.metrics.items())[:1]]
    return ", ".join([*said, *(["no drift"] if report.fields else [])])


__all__ = ["conclude", "watch"]
