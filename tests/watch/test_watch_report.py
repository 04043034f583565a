"""The page says what moved, how much, and since when."""

import msgspec
import numpy as np
import pytest

from sealift.record.observation import Label, Prediction, RequestSeen
from sealift.record.profile import Profile
from sealift.record.watch import WatchReport
from sealift.stats.sketch import profile_numbers, profile_texts
from sealift.testing.ledger import MemoryObservations
from sealift.watch.collect import HOUR, sketches
from sealift.watch.report import watch

RNG = np.random.default_rng(17)
CARRIERS = ["UA", "AA", "DL", "B6"]
DELAYS = RNG.exponential(15.0, 50_000)
PROFILE = Profile(
    rows=50_000,
    fields=(
        profile_numbers("delay", DELAYS),
        profile_texts("carrier", CARRIERS * 12_500),
        profile_numbers("hour", RNG.integers(5, 23, 50_000).astype(float)),
    ),
    target=profile_numbers("arrival", DELAYS),
    prediction=profile_numbers("arrival prediction", DELAYS),
    baseline=15.0,
)


def predictions(count, *, version=1, at=0.0, scale=1.0, carriers=CARRIERS, error=4.0, kind=float):
    """Predictions and their labels over the hours from ``at`` on, 1,000 an hour."""
    values = RNG.exponential(15.0 * scale, count)
    for number, value in enumerate(values.tolist()):
        name = f"{version}-{at}-{number}"
        one = Prediction(
            id=name,
            at=at + number * 3.6,
            version=version,
            generation=1,
            output=value if kind is float else "late",
            seconds=0.01,
            inputs={
                "delay": value,
                "carrier": carriers[number % len(carriers)],
                "hour": float(RNG.integers(5, 23)),
            },
        )
        truth = value + (error if number % 2 else -error) if kind is float else kind(number)
        yield one, Label(id=name, value=truth, at=one.at)


def happened(*groups, requests=()):
    """Observations of these predictions."""
    kept = MemoryObservations()
    for group in groups:
        rows = list(group)
        made = [one for one, _ in rows]
        found = []
        for hour in sorted({one.at // HOUR * HOUR for one in made}):
            part = [one for one in made if one.at // HOUR * HOUR == hour]
            found += sketches(PROFILE, made[0].version, hour, part)
        kept.add(cursors={}, predictions=made, labels=[label for _, label in rows], sketches=found)
    kept.add(cursors={}, requests=list(requests))
    return kept


def requests(count, *, version=1, failed=0, seconds=0.01):
    """Requests of one version, the first ones of which failed."""
    return [
        RequestSeen(
            at=float(number),
            generation=1,
            version=version,
            status=502 if number < failed else 200,
            seconds=30.0 if number < failed else seconds * (1 + number % 100),
        )
        for number in range(count)
    ]


def test_a_healthy_version_is_said_to_be_well():
    """With the numbers behind it."""
    seen = watch(
        happened(predictions(20_000), requests=requests(5_000)),
        {1: PROFILE},
        serving=1,
        trained={1: {"mae": 4.0, "rmse": 4.0}},
    )
    (one,) = seen.versions

    assert seen.headline == "Model 1 is well: 5,000 requests, 0 failed, mae 4, no drift."
    assert not seen.flags
    assert (one.requests, one.failed, one.error_share) == (5_000, 0, 0.0)
    assert (one.predictions, one.labels, one.serving) == (20_000, 20_000, True)
    assert one.p50 == pytest.approx(0.505)
    assert one.p99 == pytest.approx(0.9901, abs=0.001)
    assert one.metrics["mae"].value == pytest.approx(4.0)
    assert one.metrics["rmse"].value == pytest.approx(4.0)
    assert one.metrics["bias"].lower < 0 < one.metrics["bias"].upper
    assert [field.drifted for field in seen.fields] == [False] * 3
    assert not seen.prediction.drifted


def test_drift_names_the_field_the_size_the_bins_and_the_beginning():
    """Delays three times as long from the tenth hour on."""
    later = 10 * HOUR
    seen = watch(
        happened(predictions(10_000), predictions(20_000, at=later, scale=3.0)),
        {1: PROFILE},
        serving=1,
    )
    worst = seen.fields[0]

    assert [field.field for field in seen.fields if field.drifted] == ["delay"]
    assert worst.effect > worst.lower > 0.1
    assert abs(worst.since - later) <= HOUR
    assert worst.moved[0].now > 2 * worst.moved[0].before
    assert worst.moved[0].bin.startswith("values")
    assert worst.summary.startswith("values ")
    assert worst.rows == 30_000
    assert seen.prediction.drifted
    assert "arrival prediction, delay moved away from training" in seen.headline
    assert [flag.place for flag in seen.flags] == ["arrival prediction", "delay"]


def test_a_category_that_is_new_or_gone_is_named():
    """Texts have no order, so each is a move of its own."""
    seen = watch(
        happened(predictions(20_000, carriers=["UA", "AA", "DL", "ZZ"])), {1: PROFILE}, serving=1
    )
    carrier = seen.fields[0]

    assert carrier.field == "carrier"
    assert carrier.shift is None
    assert {move.bin for move in carrier.moved} == {"'B6'", "other values"}
    assert "appeared (25.0%)" in carrier.summary or "vanished (were 25.0%)" in carrier.summary


def test_missing_values_are_a_move_of_their_own():
    """They were never missing in training."""
    kept = MemoryObservations()
    rows = [one for one, _ in predictions(20_000)]
    holes = [
        msgspec.structs.replace(one, inputs={**one.inputs, "hour": None}) if n % 5 == 0 else one
        for n, one in enumerate(rows)
    ]
    kept.add(cursors={}, sketches=list(sketches(PROFILE, 1, 0.0, holes)))

    hour = watch(kept, {1: PROFILE}, serving=1).fields[0]

    assert hour.field == "hour"
    assert hour.summary.endswith("missing values appeared (20.0%)")


def test_a_few_rows_prove_nothing():
    """However strange they are, until there are enough of them."""
    few = watch(happened(predictions(8, scale=9.0)), {1: PROFILE}, serving=1)
    many = watch(happened(predictions(2_000, scale=9.0)), {1: PROFILE}, serving=1)

    assert few.fields[0].effect > 0.1
    assert not any(field.drifted for field in few.fields)
    assert many.fields[0].drifted


def test_errors_beyond_those_of_training_come_first():
    """Before drift, which explains them."""
    seen = watch(
        happened(predictions(20_000, scale=3.0, error=9.0)),
        {1: PROFILE},
        serving=1,
        trained={1: {"mae": 4.0, "r2": 0.5}},
    )

    assert seen.flags[0].severity == "error"
    assert seen.flags[0].message.startswith("mae of model 1 is 9 (9 to 9); in training it was 4")
    assert seen.headline.startswith("mae of model 1 is 9")
    assert "moved away from training" in seen.headline


def test_failed_requests_are_counted_against_the_version_that_failed():
    """A few are a warning, one in a hundred is an error; those of no version are said so."""
    few = requests(3_000, failed=3)
    many = requests(3_000, version=2, failed=90)
    nowhere = requests(2, version=0, failed=2)
    seen = watch(happened(requests=few + many + nowhere), {}, serving=1)

    said = [(flag.severity, flag.message) for flag in seen.flags]

    assert ("warning", "Model 1: 3 of 3,000 requests failed.") in said
    assert ("error", "Model 2: 90 of 3,000 requests failed.") in said
    assert any(message == "No version: 2 of 2 requests failed." for _, message in said)
    assert [one.version for one in seen.versions] == [1, 2, 0]
    assert seen.versions[0].p99 < 2.0, "a request that failed has no latency of its own"


def test_classes_are_right_or_wrong():
    """With exact bounds; labels may be spelled as numbers."""
    seen = watch(
        happened(predictions(1_000, kind=lambda n: "late" if n % 10 else "on time")),
        {},
        serving=1,
        trained={1: {"accuracy": 0.99}},
    )
    metrics = seen.versions[0].metrics

    assert list(metrics) == ["error_rate", "accuracy"]
    assert metrics["error_rate"].value == pytest.approx(0.1)
    assert metrics["accuracy"].value == pytest.approx(0.9)
    assert 0.06 < metrics["error_rate"].lower < 0.1 < metrics["error_rate"].upper < 0.14
    assert seen.flags[0].message.startswith("accuracy of model 1 is 0.9 (0.8")


def test_labels_that_cannot_be_compared_are_said_and_left_out():
    """A text for a regression; and few labels are said to be few."""
    kept = happened(predictions(100))
    rows = list(predictions(1_000, at=1e6))
    kept.add(cursors={}, predictions=[one for one, _ in rows])
    bad = [Label(id=one.id, value="soon", at=1.0) for one, _ in rows[:5]]
    kept.add(cursors={}, labels=bad)
    seen = watch(kept, {}, serving=1)

    said = " ".join(flag.message for flag in seen.flags)

    assert "5 labels of model 1 are no finite numbers" in said
    assert "105 of 1,100 predictions of model 1 have a label" in said
    assert "not compared with training" in said
    assert "no drift" not in seen.headline
    assert seen.versions[0].metrics["mae"].value == pytest.approx(4.0)


def test_nothing_to_report_is_a_report_too():
    """Before the first version, and before its first request."""
    empty = MemoryObservations()

    assert watch(empty, {}, serving=None).headline == "No model serves yet."
    assert watch(empty, {1: PROFILE}, serving=1).headline == "Model 1 has had no requests."
    later = watch(happened(predictions(100)), {1: PROFILE}, serving=1, since=1e9)
    assert later.headline == "Model 1 has had no requests."
    assert (later.fields, later.prediction, later.versions) == ((), None, ())


def test_a_report_is_json_and_back():
    """As the API sends it."""
    seen = watch(happened(predictions(500), requests=requests(10)), {1: PROFILE}, serving=1)

    assert msgspec.json.decode(msgspec.json.encode(seen), type=WatchReport) == seen
