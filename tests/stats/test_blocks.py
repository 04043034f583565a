"""Claims about events that come in bursts."""

import math
from itertools import product

import numpy as np
import pytest

from sealift.stats.blocks import BETS, BlockDifference


def test_a_block_has_a_mean_of_at_most_1_if_the_rates_are_equal():
    """Exactly: every pattern of events of 2 and 3 answers."""
    rate = 0.3
    for bet in BETS:
        mean = 0.0
        for pattern in product((0, 1), repeat=5):
            chance = math.prod(rate if event else 1 - rate for event in pattern)
            difference = sum(pattern[:2]) / 2 - max(sum(pattern[2:]) / 3, 0.01)
            mean += chance * (1 + bet * difference)
        assert mean <= 1


def test_pauses_of_the_whole_machine_are_no_evidence():
    """Each 5 seconds everything is slow for a tenth of a second, in both versions."""
    slow = BlockDifference(floor=0.01)
    for number in range(20_000):
        at = number / 200
        slow.add(at=at, candidate=number % 10 == 9, event=at % 5 < 0.1)

    assert slow.blocks > 300
    assert slow.log_e_worse() < math.log(20)


def test_one_pause_of_the_candidate_is_one_witness():
    """Fifty answers that were slow together do not roll a version back."""
    slow = BlockDifference(floor=0.01)
    for number in range(4_000):
        candidate = number % 2 == 1
        slow.add(at=number / 500, candidate=candidate, event=candidate and 2_000 < number < 2_100)

    assert slow.log_e_worse() < math.log(20)


def test_a_slow_candidate_is_found():
    """A tenth of its answers slow: within 30 seconds at 200 requests a second."""
    rng = np.random.default_rng(11)
    slow = BlockDifference(floor=0.01)
    for number in range(6_000):
        candidate = number % 2 == 1
        event = bool(rng.random() < (0.1 if candidate else 0.005))
        slow.add(at=number / 200, candidate=candidate, event=event)

    assert slow.log_e_worse() >= math.log(60)


def test_a_rate_below_the_floor_is_no_evidence_even_where_the_stable_version_has_none():
    """The floor is what the margin allows."""
    rng = np.random.default_rng(12)
    slow = BlockDifference(floor=0.05)
    for number in range(40_000):
        candidate = number % 2 == 1
        slow.add(at=number / 500, candidate=candidate, event=candidate and rng.random() < 0.04)

    assert slow.log_e_worse() < math.log(20)


def test_little_traffic_makes_longer_blocks():
    """A block has answers of both versions, however long that takes."""
    slow = BlockDifference(floor=0.01)
    for number in range(101):
        slow.add(at=float(number), candidate=number % 10 == 5, event=False)

    assert slow.blocks == 10


def test_nothing_seen_is_no_evidence():
    """The capital is 1."""
    assert BlockDifference(floor=0.01).log_e_worse() == pytest.approx(0.0)
