"""Claims about the evidence of a release."""

import time

import msgspec
import numpy as np
import pytest
from canaries import (
    CANDIDATE,
    STABLE,
    first_verdict,
    fresh,
    planned,
    predictions,
    request,
    requests,
    scored,
)

from sealift.release.judge import judge


def test_only_observations_of_the_release_count():
    """Other generations, other versions and generations of one version alone are passed over."""
    wanted = planned(mae="5%")
    evidence = fresh(wanted, shares={"7": 0.1, "9": 1.0, "6": 0.0})
    evidence.see_request(request(0, candidate=True, generation=7))
    for generation in (5, 6, 9):
        evidence.see_request(request(1, candidate=True, generation=generation))
        evidence.see_scored(scored(1, candidate=True, generation=generation, output=1.0, value=1.0))
    stranger = request(2, candidate=True, generation=7)
    evidence.see_request(msgspec.structs.replace(stranger, version=1))

    assert evidence.errors.candidate == (0, 1)
    assert evidence.answers(0.1) == 1
    assert evidence.answers(0.5) == 0


def test_shares_may_grow_while_evidence_is_taken_in():
    """A generation counts from the moment it is known."""
    shares = {"7": 0.1}
    evidence = fresh(planned(), shares=shares)
    evidence.see_request(request(0, candidate=True, generation=8))
    shares["8"] = 0.5
    evidence.see_request(request(1, candidate=True, generation=8))

    assert evidence.answers(0.5) == 1


def test_an_answer_of_500_or_none_at_all_is_an_error_and_others_are_not():
    """A 4xx is the caller's fault."""
    evidence = fresh(planned())
    for status in (200, 404, 422, 499, 500, 503, 599, 0):
        evidence.see_request(request(0, candidate=True, generation=7, status=status))

    assert evidence.errors.candidate == (4, 8)


def test_failed_answers_are_not_taken_for_fast_ones():
    """Their times are left out."""
    evidence = fresh(planned(latency_p99="20%"))
    for number in range(5_000):
        evidence.see_request(
            request(
                number,
                candidate=number % 2 == 0,
                generation=8,
                status=503 if number % 4 == 0 else 200,
                seconds=0.0001 if number % 4 == 0 else 0.01,
            )
        )

    assert evidence.latency.ratios.value() == pytest.approx(1.0, rel=0.02)
    assert evidence.latency.ratios.count < 1_250


@pytest.mark.parametrize("portion", [1, 7, 1_000])
def test_the_same_observations_give_the_same_verdict_in_portions_of_any_size(portion):
    """A controller that was restarted reads them again; looking on the way changes nothing."""
    wanted = planned(errors="1%", latency_p99="50%", mae="5%")
    calls = list(requests(31, 2_600, candidate=0.02))
    labels = list(predictions(31, 2_600, noise=7.0))
    at_once, portioned = fresh(wanted), fresh(wanted)
    for call in calls:
        at_once.see_request(call)
    for label in labels:
        at_once.see_scored(label)
    for start in range(0, 2_600, portion):
        for call in calls[start : start + portion]:
            portioned.see_request(call)
        for label in labels[start : start + portion]:
            portioned.see_scored(label)
        if start % 100 == 0:
            judge(wanted, portioned, stage=1, elapsed=0.0)

    assert judge(wanted, portioned, stage=1, elapsed=9.0) == judge(
        wanted, at_once, stage=1, elapsed=9.0
    )


@pytest.mark.parametrize(("output", "value"), [(1.0, "late"), (float("nan"), 1.0), ("a", 1.0)])
def test_a_label_that_no_loss_can_be_worked_out_from_is_counted_and_passed_over(output, value):
    """It harms nothing else."""
    evidence = fresh(planned(mae="5%", mse="5%"))
    evidence.see_scored(scored(0, candidate=True, generation=7, output=output, value=value))

    assert [loss.unusable for loss in evidence.losses.values()] == [1, 1]


@pytest.mark.parametrize("baseline", [None, "not a number"])
def test_without_a_baseline_the_first_labels_give_one(baseline):
    """The comparison is about as sharp as with one."""
    wanted = planned(mae="5%")
    with_it, without = fresh(wanted, baseline=2.0), fresh(wanted, baseline=baseline)
    for label in predictions(32, 4_000, noise=6.0):
        with_it.see_scored(label)
        without.see_scored(label)
    widths = [one.losses["mae"].mean.upper(0.05) for one in (with_it, without)]

    assert without.losses["mae"].unusable == 0
    assert widths[1] == pytest.approx(widths[0], rel=0.3)


def batches(seed, number, rows, *, worse=0.0):
    """Labelled requests of many rows each; rows of a request go wrong together."""
    rng = np.random.default_rng([34, seed])
    for position in range(number):
        candidate, weather = bool(rng.random() < 0.5), rng.exponential(10)
        for row in range(rows):
            output = weather * rng.random() + (worse if candidate else 0.0)
            label = scored(position, candidate=candidate, generation=8, output=output, value=0.0)
            yield msgspec.structs.replace(label, id=f"{position}/{row}")


def test_the_rows_of_a_request_are_one_draw_of_the_split():
    """60 healthy releases of requests with 20 rows that go wrong together: no false rollbacks."""
    wanted = planned(mae="5%")
    ends = [
        first_verdict(wanted, fresh(wanted), batches(seed, 500, 20), every=1_000)
        for seed in range(60)
    ]

    assert sum(end is not None for end, _ in ends) <= 4


def test_the_rows_of_a_request_are_counted_one_by_one():
    """The difference is that of a row, the count is that of labelled predictions."""
    wanted = planned(mae="5%")
    evidence = fresh(wanted)
    for label in batches(1, 2_000, 5, worse=3.0):
        evidence.see_scored(label)
    row = judge(wanted, evidence, stage=1, elapsed=0.0).evidence[1]

    assert row.standing == "worse"
    assert row.difference == pytest.approx(3.0, abs=0.5)
    assert row.stable == pytest.approx(5.0, abs=0.5)
    assert row.candidate_count + row.stable_count > 9_000


def test_classes_are_compared_by_their_error_rate():
    """Labels as text, a baseline that is a class."""
    wanted = planned(error_rate="5%")
    evidence = fresh(wanted, baseline="no")
    for number in range(4_000):
        candidate = number % 2 == 0
        value = "yes" if number % 7 == 0 else "no"
        wrong = number % (5 if candidate else 20) == 0
        output = {"yes": "no", "no": "yes"}[value] if wrong else value
        evidence.see_scored(
            scored(number, candidate=candidate, generation=8, output=output, value=value)
        )
    row = judge(wanted, evidence, stage=1, elapsed=0.0).evidence[1]

    assert row.standing == "worse"
    assert row.difference == pytest.approx(0.2, abs=0.02)


def test_a_hundred_thousand_observations_are_read_in_seconds():
    """Far from the speed of any release; the bound is a wide one."""
    wanted = planned(errors="1%", latency_p99="50%", mae="5%")
    calls = list(requests(33, 10_000)) * 10
    labels = list(predictions(33, 10_000, noise=6.0)) * 10
    evidence, began = fresh(wanted), time.process_time()
    for call in calls:
        evidence.see_request(call)
    for label in labels:
        evidence.see_scored(label)
    judge(wanted, evidence, stage=1, elapsed=0.0)

    assert time.process_time() - began < 10
    assert {CANDIDATE, STABLE} == {call.version for call in calls}


def test_a_guard_that_cannot_be_judged_says_so_in_words():
    """How many predictions were left out, and why, stands in the verdict."""
    wanted = planned(mae="5%")
    evidence = fresh(wanted)
    for number in range(1_200):
        evidence.see_scored(scored(number, candidate=True, generation=7, output=1.0, value="late"))

    verdict = judge(wanted, evidence, stage=0, elapsed=1.0)

    assert "1,200 labelled predictions left out: mae needs numbers" in verdict.reason
    assert [one.unusable for one in verdict.evidence if one.guard == "mae"] == [1_200]
