"""Claims about the check of the split."""

import math

import numpy as np
import pytest

from sealift.stats.rates import Counts
from sealift.stats.split import ALARM, ODDS_RATIOS, log_e_split, measured_shares


def counts(candidate, stable):
    """Answers of both versions at one share."""
    row = Counts()
    row.candidate, row.stable = candidate, stable
    return row


def test_evidence_is_the_likelihood_ratio_of_the_answers():
    """The counts of two stages give what the requests give one by one."""
    stages = {0.1: (30, 210), 0.5: (55, 40)}
    products = []
    for ratio in ODDS_RATIOS:
        product = 1.0
        for share, (candidate, stable) in stages.items():
            tilted = share * ratio / (share * ratio + 1 - share)
            product *= (tilted / share) ** candidate * ((1 - tilted) / (1 - share)) ** stable
        products.append(product)
    rows = {share: counts(*numbers) for share, numbers in stages.items()}

    assert log_e_split(rows) == pytest.approx(math.log(np.mean(products)))


def test_a_right_split_hardly_ever_alarms():
    """1,000 streams, a look after each of 2,000 requests, shares 10 % then 50 %."""
    rng = np.random.default_rng(6)
    shares = np.array([0.1] * 1_000 + [0.5] * 1_000)
    arms = rng.random((1_000, 2_000)) < shares
    evidence = np.zeros(arms.shape)
    for ratio in ODDS_RATIOS:
        scale = np.log(shares * ratio + 1 - shares)
        logs = np.cumsum(np.where(arms, math.log(ratio) - scale, -scale), axis=1)
        evidence += np.exp(logs) / len(ODDS_RATIOS)
    highest = evidence.max(axis=1)

    assert (highest >= ALARM).sum() <= 5
    assert (highest >= 20).mean() <= 0.05


def test_an_exact_rotation_never_alarms():
    """Each tenth request, up to ten thousand."""
    assert max(log_e_split({0.1: counts(n, 9 * n)}) for n in range(1, 1_000)) < math.log(20)


@pytest.mark.parametrize(("configured", "real", "within"), [(0.1, 0.22, 400), (0.5, 0.4, 1_000)])
def test_a_wrong_split_is_found_in_some_hundred_requests(configured, real, within):
    """The router sends more, or less, than it was told."""
    candidate = round(real * within)

    assert log_e_split({configured: counts(candidate, within - candidate)}) > math.log(ALARM)


def test_nothing_seen_is_no_alarm():
    """Neither are stages in which one version had all the traffic."""
    assert log_e_split({}) == pytest.approx(0.0)
    assert log_e_split({1.0: counts(500, 0), 0.0: counts(0, 10)}) == pytest.approx(0.0)
    assert measured_shares({0.1: counts(22, 78)}) == {0.1: 0.22}
