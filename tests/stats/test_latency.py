"""Claims about the p99 of the candidate against that of the stable version."""

import math

import numpy as np
import pytest

from sealift.stats.latency import BURN_IN, FIRST_REFERENCE, TailLatency


def replay(seconds, factor, *, margin=0.5, share=0.5, seed=13, rate=200):
    """Latencies in order; the candidate takes ``factor`` times as long."""
    arms = np.random.default_rng(seed).random(len(seconds)) < share
    tail = TailLatency(margin)
    for number, (time, arm) in enumerate(zip(seconds.tolist(), arms.tolist(), strict=True)):
        tail.add(at=number / rate, candidate=arm, seconds=time * (factor if arm else 1.0))
    return tail


def latencies(number, seed=14):
    """Times around 10 ms with a tail."""
    return np.random.default_rng(seed).lognormal(-4.6, 0.4, number)


def test_equal_versions_are_shown_to_be_within_the_margin():
    """Within 8,000 requests at a margin of 50 %."""
    tail = replay(latencies(8_000), 1.0)

    assert tail.ratios.log_e_below() >= math.log(20)
    assert tail.slow.log_e_worse() < math.log(20)
    assert tail.ratios.value() == pytest.approx(1.0, rel=0.15)


def test_a_candidate_three_times_as_slow_is_found():
    """Its p99 is far above the limit, and above that of the stable version at the same time."""
    tail = replay(latencies(8_000), 3.0)

    assert tail.slow.log_e_worse() >= math.log(60)
    assert tail.ratios.log_e_below() < 0


def test_a_candidate_slower_within_the_margin_is_not_held_to_be_worse():
    """Harmless is what the user said is harmless."""
    assert replay(latencies(20_000), 1.25).slow.log_e_worse() < math.log(20)


def test_load_that_slows_both_versions_is_no_evidence_against_the_candidate():
    """The reference follows the stable version."""
    load = np.where(np.arange(20_000) > 10_000, 3.0, 1.0)
    tail = replay(latencies(20_000) * load, 1.0)

    assert tail.slow.log_e_worse() < math.log(20)
    assert tail.ratios.log_e_below() >= math.log(20)


def test_a_cold_start_is_left_out():
    """The first answers of either version may take a hundred times as long."""
    tail = TailLatency(0.5)
    seen = {True: 0, False: 0}
    for number, seconds in enumerate(latencies(6_000).tolist()):
        arm = number % 2 == 1
        seen[arm] += 1
        tail.add(at=number / 200, candidate=arm, seconds=seconds * (100 if seen[arm] < 50 else 1))

    assert tail.reference < 0.04
    assert tail.ratios.value() < 1.5


def test_nothing_is_judged_before_there_is_a_reference():
    """The reference needs 500 answers of the stable version after its first 50."""
    tail = TailLatency(0.5)
    for number in range(BURN_IN + FIRST_REFERENCE - 1):
        tail.add(at=float(number), candidate=False, seconds=0.01)
        tail.add(at=float(number), candidate=True, seconds=9.0)

    assert tail.reference is None
    assert tail.ratios.count == 0
    assert tail.slow.log_e_worse() == pytest.approx(0.0)
