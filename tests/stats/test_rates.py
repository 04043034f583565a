"""Claims about the difference of two event rates."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift.stats.rates import (
    RATIOS,
    SIZE_WEIGHTS,
    SIZES,
    Counts,
    RateDifference,
    log_bet_on_worse,
    log_mean_exp,
)


def stream(seed, shares, stable, candidate):
    """Answers in order: (candidate?, event?, share), split at random."""
    rng = np.random.default_rng(seed)
    arms = rng.random(len(shares)) < shares
    events = rng.random(len(shares)) < np.where(arms, candidate, stable)
    return list(zip(arms.tolist(), events.tolist(), np.asarray(shares).tolist(), strict=True))


def seen(rows):
    """The evidence of answers in order."""
    rates = RateDifference()
    for candidate, event, share in rows:
        rates.add(candidate=candidate, event=event, share=share)
    return rates


def test_evidence_of_worse_is_the_likelihood_ratio_of_events_one_by_one():
    """At difference 0 the bets are Lindon and Malek's event test with the share in force."""
    rows = stream(1, [0.1] * 800 + [0.5] * 800, 0.05, 0.09)
    products = []
    for ratio in RATIOS:
        product = 1.0
        for candidate, event, share in rows:
            if event:
                tilted = share * ratio / (share * ratio + 1 - share)
                product *= tilted / share if candidate else (1 - tilted) / (1 - share)
        products.append(product)

    assert seen(rows).log_e_worse() == pytest.approx(math.log(np.mean(products)))


def test_evidence_of_harmless_is_the_product_of_the_bets_one_by_one():
    """Counts by share give what the bets give request by request."""
    rows, margin = stream(2, [0.1] * 500 + [0.5] * 500, 0.03, 0.02), 0.02
    products = []
    for size in SIZES:
        bet, product = size / (1 - margin), 1.0
        for candidate, event, share in rows:
            product *= (
                1 + bet * (margin - event) if candidate else (1 + bet * share / (1 - share) * event)
            )
        products.append(product)

    expected = math.log(np.dot(SIZE_WEIGHTS, products))
    assert seen(rows).log_e_harmless(margin) == pytest.approx(expected)


def test_without_events_harmlessness_is_nearly_the_binomial_test():
    """The price of looking at every moment and of the other bets is a few hundred requests."""
    margin, alpha = 0.01, 0.05
    fixed = math.log(alpha) / math.log(1 - margin)
    answers = next(
        n for n in range(100, 2000) if seen([(True, False, 0.5)] * n).upper(alpha) < margin
    )

    assert fixed < answers < 1.45 * fixed


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("rate", [0.001, 0.05, 0.4])
@pytest.mark.parametrize("difference", [-0.0005, 0.0, 0.01, 0.2])
def test_every_bet_on_worse_has_a_mean_of_at_most_1_where_the_candidate_is_not(
    share, rate, difference
):
    """Exactly, over the split and the event, for every ratio that is bet on."""
    for ratio in RATIOS:
        mean = 0.0
        for candidate, chance in ((True, share), (False, 1 - share)):
            own = rate + difference if candidate else rate
            for event, likelihood in ((1, own), (0, 1 - own)):
                row = Counts()
                row.candidate, row.stable = int(candidate), int(not candidate)
                row.candidate_events, row.stable_events = candidate * event, (not candidate) * event
                mean += (
                    chance * likelihood * math.exp(log_bet_on_worse(row, share, ratio, difference))
                )
        assert mean <= 1 + 1e-12


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("rate", [0.0, 0.001, 0.05, 0.4])
@pytest.mark.parametrize("margin", [0.001, 0.01, 0.2])
def test_every_bet_on_harmless_has_a_mean_of_1_at_the_margin(share, rate, margin):
    """Exactly, over the split and the event, for every size of a bet."""
    for size in SIZES:
        bet, own = size / (1 - margin), rate + margin
        candidate = own * (1 - size) + (1 - own) * (1 + bet * margin)
        stable = rate * (1 + bet * share / (1 - share)) + (1 - rate)

        assert share * candidate + (1 - share) * stable == pytest.approx(1)


@pytest.mark.parametrize(("share", "turn"), [(0.1, 10), (0.5, 2), (0.25, 4)])
@pytest.mark.parametrize("rate", [0.001, 0.05, 0.4])
def test_an_exact_rotation_keeps_the_mean_of_a_turn_at_1_or_less(share, turn, rate):
    """One answer of the candidate and turn - 1 of the stable version, in any order."""
    for ratio in RATIOS:
        bet = (ratio - 1) * (1 - share) / (share * ratio + 1 - share)
        others = (1 - bet * share / (1 - share) * rate) ** (turn - 1)
        assert (1 + bet * rate) * others <= 1 + 1e-12
    for size in SIZES:
        margin = 0.01
        bet = size / (1 - margin)
        others = (1 + bet * share / (1 - share) * rate) ** (turn - 1)
        assert (1 - bet * rate) * others <= 1 + 1e-12


counts = st.integers(0, 400)


@settings(max_examples=60, deadline=None)
@given(ce=counts, cn=counts, se=counts, sn=counts, share=st.sampled_from([0.1, 0.5]))
def test_bounds_enclose_the_estimate_and_agree_with_the_evidence(ce, cn, se, sn, share):
    """A difference beyond a bound is exactly one that the evidence refuses."""
    rates = RateDifference()
    row = rates.by_share[share] = Counts()
    row.candidate_events, row.candidate = ce, ce + cn
    row.stable_events, row.stable = se, se + sn
    lower, upper = rates.lower(0.05), rates.upper(0.05)

    assert -1 <= lower < upper <= 1
    assert (lower >= 0) == (rates.log_e_worse() >= math.log(20)) or abs(lower) < 1e-8
    for margin in (0.01, 0.2):
        proven = rates.log_e_harmless(margin) >= math.log(20)
        assert (upper <= margin) == proven or abs(upper - margin) < 1e-8


@pytest.mark.parametrize(("stable", "candidate"), [(0.0, 0.0), (0.02, 0.02), (0.2, 0.23)])
def test_bounds_hold_at_every_look(stable, candidate):
    """400 streams whose share grows, 30 looks each: the truth leaves its bounds in 5 % or less."""
    missed_below = missed_above = 0
    for seed in range(400):
        rates = RateDifference()
        rows = stream([3, seed], [0.1] * 600 + [0.5] * 900, stable, candidate)
        below = above = False
        for number, (arm, event, share) in enumerate(rows):
            rates.add(candidate=arm, event=event, share=share)
            if number % 50 == 49:
                truth = candidate - stable
                below |= rates.log_e_worse(truth) >= math.log(20)
                above |= truth > 0 and rates.log_e_harmless(truth) >= math.log(20)
        missed_below += below
        missed_above += above

    assert missed_below <= 400 * 0.05
    assert missed_above <= 400 * 0.05


def test_the_stable_rate_is_taken_over_the_times_of_the_candidate():
    """An hour of trouble before the candidate had much traffic does not count against either."""
    rows = stream(4, [0.1] * 20_000, 0.08, 0.08) + stream(5, [0.5] * 4_000, 0.01, 0.01)
    rates = seen(rows)
    events, answers = rates.stable

    assert events / answers > 0.06
    assert abs(rates.difference()) < 0.01
    assert rates.stable_rate() == pytest.approx(0.045, abs=0.005)


def test_where_nothing_was_seen_nothing_is_known():
    """No answers: no evidence, and bounds that exclude nothing."""
    rates = RateDifference()

    assert rates.log_e_worse() == pytest.approx(0.0)
    assert rates.log_e_harmless(0.01) == pytest.approx(0.0)
    assert (rates.lower(0.05), rates.upper(0.05)) == (-1.0, 1.0)
    assert rates.difference() is None


def test_a_sum_of_exponentials_far_beyond_floating_point_is_fine():
    """Evidence of 10^1000 is a number like any other."""
    assert log_mean_exp([5_000.0, -math.inf], [0.5, 0.5]) == pytest.approx(5_000 - math.log(2))
    assert log_mean_exp([-math.inf], [1.0]) == -math.inf
