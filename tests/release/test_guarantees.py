"""Promise 6: a rollback is never a coin toss. Simulated releases, judged after every 100 requests.

Each bound on a count is one that a true probability of alpha would exceed less than once in a
hundred runs; seeds are fixed, so that a run repeats.
"""

import math
from statistics import median

import numpy as np
import pytest
from canaries import first_verdict, fresh, planned, predictions, requests

from sealift.release.judge import judge

ALPHA = 0.05


def most(trials, chance=ALPHA):
    """The smallest count that a binomial variable exceeds with a probability of 1 % or less."""
    below = 0.0
    for count in range(trials + 1):
        below += math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(count + 1)
            - math.lgamma(trials - count + 1)
            + count * math.log(chance)
            + (trials - count) * math.log1p(-chance)
        )
        if below >= 0.99:
            return count
    return trials


def outcomes(wanted, streams, **settings):
    """How releases end, and after how many observations."""
    return [first_verdict(wanted, fresh(wanted), stream, **settings) for stream in streams]


def share_of(decision, ends):
    """How many ended so."""
    return sum(end == decision for end, _ in ends)


@pytest.mark.parametrize("part", range(4))
def test_healthy_versions_are_rolled_back_with_probability_alpha_at_most(part):
    """4 x 250 releases of 2,000 requests, 2 % of errors in both versions, a look after each 100."""
    wanted = planned(errors="0.1%")
    seeds = range(250 * part, 250 * (part + 1))
    ends = outcomes(
        wanted,
        (requests(seed, 2_000, stable=0.02, candidate=0.02, first=1_000) for seed in seeds),
        first=1_000,
    )

    assert share_of("rollback", ends) <= most(250)


@pytest.mark.parametrize("part", range(4))
def test_versions_worse_by_the_margin_are_promoted_with_probability_alpha_at_most(part):
    """4 x 250 releases of 2,000 requests; the candidate fails one request in fifty more."""
    wanted = planned(errors="2%", stage_requests=50)
    seeds = range(2_000 + 250 * part, 2_000 + 250 * (part + 1))
    ends = outcomes(
        wanted,
        (requests(seed, 2_000, stable=0.005, candidate=0.025, first=500) for seed in seeds),
        first=500,
    )

    assert share_of("promote", ends) <= most(250)


def simulated_capitals(number, length, rate, *, seed):
    """The highest evidence against each of many healthy releases, looked at after every request.

    Written anew from the formula, with arrays, to be independent of the code it checks.
    """
    rng = np.random.default_rng(seed)
    shares = np.where(np.arange(length) < length // 2, 0.1, 0.5)
    arms = rng.random((number, length)) < shares
    failed = rng.random((number, length)) < rate
    capital = np.zeros((number, length))
    for ratio in (1.25, 1.5, 2.0, 3.0, 5.0, 10.0):
        scale = np.log(shares * ratio + 1 - shares)
        steps = np.where(failed, np.where(arms, math.log(ratio) - scale, -scale), 0.0)
        capital += np.exp(np.cumsum(steps, axis=1)) / 6
    return capital.max(axis=1)


@pytest.mark.parametrize("rate", [0.002, 0.02, 0.3])
def test_the_promise_holds_when_looking_after_every_single_request(rate):
    """2,000 releases of 3,000 requests at each of three rates of errors."""
    highest = np.concatenate(
        [simulated_capitals(250, 3_000, rate, seed=[51, part]) for part in range(8)]
    )

    assert (highest >= 1 / ALPHA).sum() <= most(2_000)


def test_errors_that_drift_while_the_share_grows_do_not_roll_back():
    """Simpson's paradox: both versions fail ten times as often once the candidate has half."""
    rates = np.where(np.arange(4_000) < 2_000, 0.004, 0.04)
    wanted = planned(errors="0.1%")
    ends = outcomes(
        wanted,
        (requests(seed, 4_000, stable=rates, candidate=rates) for seed in range(3_000, 3_100)),
    )

    assert share_of("rollback", ends) <= most(100)
    evidence = fresh(wanted)
    for seed in range(3_000, 3_010):
        for call in requests(seed, 4_000, stable=rates, candidate=rates):
            evidence.see_request(call)
    (bad, answers), (few, others) = evidence.errors.candidate, evidence.errors.stable
    assert bad / answers > 1.5 * few / others, "pooled counts would blame the candidate"


def test_errors_that_fall_while_the_share_grows_do_not_promote_a_harmful_version():
    """Simpson's paradox the other way: a better average, though worse at every moment."""
    rates = np.where(np.arange(4_000) < 2_000, 0.05, 0.005)
    wanted = planned(errors="2%", stage_requests=50)
    ends = outcomes(
        wanted,
        (
            requests(seed, 4_000, stable=rates, candidate=rates + 0.02)
            for seed in range(3_200, 3_300)
        ),
    )

    assert share_of("promote", ends) <= most(100)


@pytest.mark.parametrize(
    ("first", "seed", "stable", "candidate", "half", "nearly_all"),
    [
        (12_000, 61, 0.01, 0.03, 4_500, 9_000),
        (0, 62, 0.01, 0.03, 2_200, 4_000),
        (0, 63, 0.01, 0.05, 1_000, 1_700),
    ],
)
def test_more_errors_are_caught_within_the_requests_that_it_takes(
    first, seed, stable, candidate, half, nearly_all
):
    """Three or five times as many, at 10 % and at 50 % of the traffic, of requests in all."""
    wanted = planned(errors="0.1%", stage_requests=100_000)
    ends = outcomes(
        wanted,
        (
            requests(100 * seed + run, 12_000, stable=stable, candidate=candidate, first=first)
            for run in range(20)
        ),
        first=first,
    )
    needed = sorted(number for end, number in ends if end == "rollback")

    assert len(needed) == 20
    assert median(needed) <= half
    assert needed[17] <= nearly_all


@pytest.mark.parametrize(
    ("noise", "decision", "half"), [(6.0, "promote", 6_000), (13.0, "rollback", 4_000)]
)
def test_a_loss_is_judged_within_some_thousand_labels(noise, decision, half):
    """A margin of 5 %: equal versions are promoted, one 15 % worse is rolled back."""
    wanted = planned(mae="5%")
    ends = []
    for seed in range(70, 90):
        evidence = fresh(wanted)
        for call in requests(seed, 4_000, stable=0.0, candidate=0.0):
            evidence.see_request(call)
        ends.append(first_verdict(wanted, evidence, predictions(seed, 15_000, noise=noise)))

    assert share_of(decision, ends) >= 19
    assert median(number for end, number in ends if end == decision) <= half


def test_equal_losses_are_rolled_back_with_probability_alpha_at_most():
    """200 releases of 3,000 labels with heavy tails, a look after each 200."""
    wanted = planned(mae="0.1%")
    ends = outcomes(
        wanted,
        (predictions(seed, 3_000, noise=6.0, first=1_500) for seed in range(4_000, 4_200)),
        every=200,
        first=1_500,
    )

    assert share_of("rollback", ends) <= most(200)


def test_a_loss_worse_by_the_margin_is_promoted_with_probability_alpha_at_most():
    """200 releases; each loss of the candidate is 10 % more than the stable's would be."""
    wanted = planned(mae="10%", stage_requests=1)
    harmful = 0
    for seed in range(4_300, 4_500):
        evidence = fresh(wanted)
        for call in requests(seed, 4_000, stable=0.0, candidate=0.0, first=500):
            evidence.see_request(call)
        stream = (
            label if label.version == 2 else worse_by(label, 0.1)
            for label in predictions(seed, 3_000, noise=6.0, first=500)
        )
        end, _ = first_verdict(wanted, evidence, stream, every=200, first=500)
        harmful += end == "promote"

    assert harmful <= most(200)


def worse_by(label, part):
    """The same prediction further from the truth."""
    moved = label.value + (1 + part) * (label.output - label.value)
    return type(label)(
        **{name: getattr(label, name) for name in label.__struct_fields__} | {"output": moved}
    )


def test_a_release_without_traffic_waits_however_often_one_looks():
    """No data is never a verdict."""
    wanted = planned(mae="5%", latency_p99="20%")
    evidence = fresh(wanted)

    assert {
        judge(wanted, evidence, stage=0, elapsed=float(second)).decision for second in range(100)
    } == {"continue"}
