"""Claims about the verdict on a release."""

import msgspec
import pytest
from canaries import (
    fresh,
    planned,
    predictions,
    request,
    requests,
    scored,
)

from sealift.record.project import ReleaseSettings
from sealift.release.judge import judge
from sealift.release.plan import plan

ALL = {"errors": "1%", "latency_p99": "50%", "mae": "5%"}


def healthy(wanted, number=12_000, **settings):
    """Evidence of a release in which nothing is wrong."""
    evidence = fresh(wanted, **settings)
    for call in requests(41, number, stable=0.001, candidate=0.001):
        evidence.see_request(call)
    for label in predictions(41, number, noise=6.0):
        evidence.see_scored(label)
    return evidence


@pytest.mark.parametrize("stage", [0, 1])
def test_no_data_is_no_reason_to_do_anything(stage):
    """Neither to roll back nor to promote nor to advance; at the limit it is undecided."""
    wanted = planned(**ALL)

    assert judge(wanted, fresh(wanted), stage=stage, elapsed=0.0).decision == "continue"
    late = judge(wanted, fresh(wanted), stage=stage, elapsed=wanted.limit)
    assert late.decision == "undecided"
    assert "too few labelled predictions yet (0 and 0)" in late.reason
    assert {row.standing for row in late.evidence} == {"open"}


def test_a_stage_that_has_seen_enough_leads_to_the_next():
    """Enough answers of the candidate at this share, and nothing worse."""
    wanted = planned(stage_requests=20)
    evidence = fresh(wanted)
    for number in range(190):
        evidence.see_request(request(number, candidate=number % 10 == 9, generation=7))
    before = judge(wanted, evidence, stage=0, elapsed=1.0)
    evidence.see_request(request(190, candidate=True, generation=7))
    after = judge(wanted, evidence, stage=0, elapsed=1.0)

    assert (before.decision, after.decision) == ("continue", "advance")
    assert "Stage 1 of 2 (10%) has seen 19 of 20 answers of model 3" in before.reason


def test_answers_of_an_earlier_stage_do_not_count_for_the_next():
    """Each stage sees its own."""
    wanted = planned(stage_requests=20)
    evidence = fresh(wanted)
    for number in range(5_000):
        evidence.see_request(request(number, candidate=number % 10 == 9, generation=7))

    assert judge(wanted, evidence, stage=1, elapsed=1.0).decision == "continue"


def test_a_healthy_candidate_is_promoted_in_the_last_stage_only():
    """Proven early, it still takes all the stages."""
    wanted = planned(**ALL)
    evidence = healthy(wanted)
    first, last = (judge(wanted, evidence, stage=stage, elapsed=1.0) for stage in (0, 1))

    assert first.decision == "advance"
    assert last.decision == "promote"
    assert last.reason.startswith("Model 3 is proven not worse than model 2: errors: ")
    assert {row.standing for row in last.evidence} == {"not-worse"}


def test_what_is_proven_is_promoted_even_at_the_limit():
    """The limit ends what is undecided."""
    wanted = planned(**ALL)

    assert judge(wanted, healthy(wanted), stage=1, elapsed=wanted.limit).decision == "promote"


def test_one_guard_without_data_keeps_a_release_open():
    """No labels, no promotion."""
    wanted = planned(**ALL)
    evidence = fresh(wanted)
    for call in requests(42, 12_000, stable=0.0, candidate=0.0):
        evidence.see_request(call)
    verdict = judge(wanted, evidence, stage=1, elapsed=1.0)

    assert verdict.decision == "continue"
    assert verdict.reason.endswith(
        "not proven yet: mae: too few labelled predictions yet (0 and 0)."
    )


def test_errors_roll_back_with_the_numbers_that_show_it():
    """In any stage, at once."""
    wanted = planned(**ALL)
    evidence = fresh(wanted)
    for call in requests(43, 2_000, stable=0.0, candidate=0.2):
        evidence.see_request(call)
    verdict = judge(wanted, evidence, stage=0, elapsed=wanted.limit)
    row = verdict.evidence[0]

    assert verdict.decision == "rollback"
    assert verdict.reason.startswith("errors of model 3 are worse than model 2's: ")
    assert f"of {row.candidate_count} failed against 0%" in verdict.reason
    assert row.e_value > row.threshold == pytest.approx(60.0)
    assert 0 < row.lower < row.difference < row.upper
    assert row.unit == "fraction of answers"


def test_a_loss_that_is_worse_rolls_back_with_its_bounds():
    """In the unit of the target."""
    wanted = planned(mae="5%")
    evidence = fresh(wanted)
    for label in predictions(44, 6_000, noise=20.0):
        evidence.see_scored(label)
    verdict = judge(wanted, evidence, stage=1, elapsed=1.0)
    row = verdict.evidence[1]

    assert verdict.decision == "rollback"
    assert verdict.reason.startswith("mae of model 3 is worse than model 2's by ")
    assert row.candidate - row.stable == pytest.approx(row.difference)
    assert 0 < row.lower < row.difference < row.upper


def test_a_slow_candidate_is_rolled_back_for_its_p99():
    """Three times the time."""
    wanted = planned(latency_p99="50%")
    evidence = fresh(wanted)
    for number, call in enumerate(requests(45, 8_000, stable=0.0, candidate=0.0)):
        slow = 3.0 if call.version == 3 else 1.0
        evidence.see_request(
            msgspec.structs.replace(call, seconds=slow * (0.01 + 0.00001 * (number * 7 % 300)))
        )
    verdict = judge(wanted, evidence, stage=1, elapsed=1.0)

    assert verdict.decision == "rollback"
    assert verdict.reason.startswith("latency_p99 of model 3 is worse than model 2's: 0.03")
    assert verdict.evidence[1].unit == "seconds"


def misrouted(wanted, number, *, failing):
    """A router that gives the candidate 22 % where it was told to give 10."""
    evidence = fresh(wanted)
    for position in range(number):
        failed = failing and position % 50 in (0, 17)
        evidence.see_request(
            request(
                position,
                candidate=position % 50 < 11,
                generation=7 if position < number // 2 else 8,
                status=500 if failed else 200,
            )
        )
    return evidence


def test_a_wrong_split_blocks_promotion_and_says_so():
    """The measured and the configured share."""
    wanted = planned(errors="1%")
    verdict = judge(wanted, misrouted(wanted, 8_000, failing=False), stage=1, elapsed=1.0)

    assert verdict.decision == "continue"
    assert verdict.reason.startswith("The measured share 22% is not the configured ")
    assert {row.standing for row in verdict.evidence} == {"not-worse"}


def test_a_wrong_split_does_not_roll_a_healthy_version_back():
    """22 % of the errors are no more than its due if it has 22 % of the traffic, not 10."""
    wanted = planned(errors="1%")
    evidence = fresh(wanted)
    for position in range(20_000):
        evidence.see_request(
            request(
                position,
                candidate=position % 50 < 11,
                generation=7,
                status=500 if position % 49 == 0 else 200,
            )
        )

    assert judge(wanted, evidence, stage=0, elapsed=1.0).decision != "rollback"


def test_the_weights_in_force_are_honoured():
    """Half of all errors from the candidate are damning at 10 % of the traffic, natural at 50."""
    wanted = planned()
    decisions = {}
    for generation, every in ((7, 10), (8, 2)):
        evidence = fresh(wanted)
        for number in range(4_000):
            failed = number % 100 in (9, 50)
            candidate = number % every == every - 1
            status = 503 if failed else 200
            evidence.see_request(
                request(number, candidate=candidate, generation=generation, status=status)
            )
        decisions[generation] = judge(wanted, evidence, stage=0, elapsed=1.0).decision

    assert decisions == {7: "rollback", 8: "continue"}


def test_blue_green_is_not_judged_by_comparison():
    """It has no stages: nothing to promote here, nothing to fail on."""
    wanted = plan(ReleaseSettings(strategy="blue-green"))
    evidence = fresh(wanted, shares={"7": 1.0})
    evidence.see_request(request(0, candidate=True, generation=7, status=500))
    verdict = judge(wanted, evidence, stage=0, elapsed=1.0)

    assert verdict.decision == "continue"
    assert "no second version" in verdict.reason


def test_a_verdict_fits_into_every_format():
    """Evidence beyond all numbers, and bounds that do not exist, survive being written as JSON."""
    wanted = planned(**ALL)
    evidence = fresh(wanted)
    for call in requests(46, 6_000, stable=0.0, candidate=1.0):
        evidence.see_request(call)
    verdict = judge(wanted, evidence, stage=0, elapsed=1.0)

    assert msgspec.json.decode(msgspec.json.encode(verdict), type=type(verdict)) == verdict
    assert verdict.evidence[0].e_value > 1e290


def test_a_single_absurd_label_breaks_nothing():
    """It is passed over, or makes the evidence wait; no verdict comes of it."""
    wanted = planned(mae="5%", mse="5%")
    evidence = fresh(wanted)
    for number, label in enumerate(predictions(47, 4_000, noise=6.0)):
        evidence.see_scored(label)
        if number in (10, 1_000):
            for value in (1e59, 1e300, -1e59):
                evidence.see_scored(
                    scored(number, candidate=True, generation=7, output=0.0, value=value)
                )

    assert judge(wanted, evidence, stage=1, elapsed=1.0).decision == "continue"
