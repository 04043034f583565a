"""Claims about high quantiles."""

import math

import numpy as np
import pytest

from sealift.stats.quantiles import RATIOS, Quantile, log_e_fewer, log_e_more
from sealift.stats.rates import SIZE_WEIGHTS, SIZES


def filled(values, **settings):
    """The 99th percentile of some values."""
    quantile = Quantile(0.99, **settings)
    for value in np.asarray(values).tolist():
        quantile.add(value)
    return quantile


@pytest.mark.parametrize(("events", "answers"), [(0, 500), (3, 900), (40, 1_000)])
def test_evidence_is_the_likelihood_ratio_against_the_rate(events, answers):
    """Mixtures of binomial likelihood ratios, for smaller and for larger rates."""
    rate = 0.01

    def ratio(other):
        return (other / rate) ** events * ((1 - other) / (1 - rate)) ** (answers - events)

    fewer = sum(
        weight * ratio(rate * (1 - size)) for size, weight in zip(SIZES, SIZE_WEIGHTS, strict=True)
    )
    more = np.mean([ratio(rate * factor) for factor in RATIOS])

    assert math.exp(log_e_fewer(events, answers, rate)) == pytest.approx(fewer)
    assert math.exp(log_e_more(events, answers, rate)) == pytest.approx(more)


def test_the_quantile_is_exact_to_a_bin():
    """One per cent of its value."""
    values = np.random.default_rng(7).lognormal(-4, 0.7, 20_000)
    exact = np.quantile(values, 0.99)

    assert filled(values).value() == pytest.approx(exact, rel=0.012)


def test_bounds_hold_at_every_look():
    """300 streams of 3,000 values, a look after each 100: 5 % or fewer leave their bounds."""
    truth = math.exp(2.3263479 * 0.6)
    above = below = 0
    for seed in range(300):
        values = np.random.default_rng([8, seed]).lognormal(0, 0.6, 3_000)
        quantile, over, under = Quantile(0.99, unit=truth), False, False
        for start in range(0, 3_000, 100):
            for value in values[start : start + 100].tolist():
                quantile.add(value)
            under |= quantile.log_e_below() >= math.log(20)
            exceeding = quantile.exceeding()
            over |= log_e_more(exceeding, quantile.count, 0.01) >= math.log(20)
        above += over
        below += under

    assert above <= 15
    assert below <= 15


def test_a_bound_agrees_with_the_evidence_about_its_limit():
    """The upper bound is at the limit or below exactly when that is proven."""
    rng, agreed = np.random.default_rng(9), set()
    for scale in (0.4, 0.5, 0.6, 0.7, 0.8, 1.0):
        quantile = filled(rng.lognormal(math.log(scale), 0.3, 3_000), unit=1.2)
        proven = quantile.log_e_below() >= math.log(20)
        assert proven == (quantile.upper(0.05) <= 1.2 * (1 + 1e-9))
        agreed.add(proven)

    assert agreed == {True, False}


def test_bounds_enclose_the_quantile():
    """And say nothing while there are too few values."""
    values = np.random.default_rng(10).gamma(2, 1, 5_000)
    quantile = filled(values)

    assert quantile.lower(0.05) < np.quantile(values, 0.99) < quantile.upper(0.05)
    assert filled(values[:200]).upper(0.05) is None
    assert filled([1.0]).lower(0.05) is None
    assert Quantile(0.99).value() is None
    assert Quantile(0.99).upper(0.05) is None


def test_no_time_at_all_is_a_time():
    """A clock may say that an answer took 0 seconds."""
    quantile = filled([0.0, -1e-9, 1.0])

    assert quantile.count == 3
    assert quantile.value() == pytest.approx(1.0)
