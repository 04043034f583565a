"""Distances of binned counts, and what of them is certain."""

import math

import numpy as np
import pytest

from sealift.stats import bounds, drift

LOOKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
UNEVEN = [0.9, 0.05, 0.03, 0.01, 0.005, 0.004, 0.001]


def test_the_distance_of_two_shares_is_the_formula():
    """Jensen-Shannon in bits, against the entropies that define it."""
    p, q = np.array([0.1, 0.2, 0.7]), np.array([0.5, 0.3, 0.2])

    def entropy(shares):
        return -sum(share * math.log2(share) for share in shares)

    expected = math.sqrt(entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2)

    assert drift.jensen_shannon(p * 1000, q * 10) == pytest.approx(expected)


def test_the_distance_is_a_metric():
    """Symmetric, 0 only for the same shares, and no way round is shorter."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        a, b, c = rng.integers(0, 50, (3, 6))
        a[0] += 1
        b[0] += 1
        c[0] += 1
        d = drift.jensen_shannon
        assert d(a, a) == 0
        assert d(a, b) == pytest.approx(d(b, a))
        assert d(a, b) <= d(a, c) + d(c, b) + 1e-12


@pytest.mark.parametrize("distance", [drift.jensen_shannon, drift.psi, drift.wasserstein])
def test_no_row_and_empty_bins_are_no_error(distance):
    """Every distance is a finite number of 0 or more."""
    for before, now in ([[0, 0], [0, 0]], [[5, 0], [0, 5]], [[0, 0], [3, 1]], [[7], [9]]):
        assert 0 <= distance(before, now) < math.inf


def test_the_wasserstein_distance_tells_near_from_far():
    """The others do not know the order of the bins."""
    start, near, far = [10, 0, 0, 0, 0], [0, 10, 0, 0, 0], [0, 0, 0, 0, 10]

    assert drift.wasserstein(start, near) == pytest.approx(0.25)
    assert drift.wasserstein(start, far) == pytest.approx(1.0)
    assert drift.jensen_shannon(start, near) == drift.jensen_shannon(start, far) == 1.0


@pytest.mark.parametrize("truth", [[0.05] * 20, UNEVEN, [0.5, 0.5], [0.999, 0.001], [1.0]])
def test_chance_goes_beyond_the_radius_at_any_look_no_more_often_than_promised(truth):
    """400 streams, looked at twelve times each; the level is 20 %, so that 80 would be allowed."""
    rng = np.random.default_rng(11)
    known = np.round(np.array(truth) * 10**12).astype(np.int64)
    crossed = 0
    for _ in range(400):
        counts, beyond = np.zeros(len(truth), np.int64), False
        for rows in LOOKS:
            counts += rng.multinomial(rows, truth)
            beyond |= drift.jensen_shannon(known, counts) > drift.radius(counts, 0.2)
        crossed += beyond

    assert crossed <= 80


def test_the_part_that_is_certain_never_pages_for_traffic_alone():
    """The same tiny difference at a thousand times the rows is not more than it is."""
    before, now = np.array([5_000, 5_000]), np.array([5_100, 4_900])
    true = drift.jensen_shannon(before, now)

    found = [drift.certain(before * scale, now * scale, 0.05) for scale in (1, 10, 1_000, 100_000)]

    assert found == sorted(found)
    assert found[0] == 0
    assert 0.9 * true < found[-1] < true < 0.01


def test_the_radius_shrinks_with_the_root_of_the_rows():
    """A hundred times the rows, about a tenth of the radius."""
    small, large = drift.radius([50] * 20, 0.05), drift.radius([5_000] * 20, 0.05)

    assert 6 < small / large < 10
    assert drift.radius([0] * 20, 0.05) == 1.0


def test_the_onset_is_found_where_the_shares_change():
    """With ten rows a window, to within a few windows."""
    rng = np.random.default_rng(3)
    for change in (0, 5, 20, 39):
        shares = [[0.25] * 4] * change + [[0.05, 0.15, 0.3, 0.5]] * (40 - change)
        windows = [rng.multinomial(60, share) for share in shares]

        assert abs(drift.onset([100] * 4, windows) - change) <= 2


def test_a_window_without_rows_is_never_the_onset():
    """What changed did so when there was something to see."""
    windows = [[50, 50], [0, 0], [0, 0], [0, 100]]

    assert drift.onset([50, 50], windows) == 3
    assert drift.onset([50, 50], [[0, 100]]) == 0


@pytest.mark.parametrize("rate", [0.0, 0.003, 0.05, 0.5, 0.97, 1.0])
def test_rates_leave_their_bounds_no_more_often_than_promised(rate):
    """400 streams at 20 %."""
    rng = np.random.default_rng(5)
    outside = 0
    for _ in range(400):
        events = count = 0
        missed = False
        for rows in LOOKS:
            events += int(rng.binomial(rows, rate))
            count += rows
            lower, upper = bounds.rate_bounds(events, count, 0.2)
            missed |= not lower <= rate <= upper
        outside += missed

    assert outside <= 80


def test_means_leave_their_bounds_no_more_often_than_promised():
    """400 streams of skewed values, at 20 %."""
    rng = np.random.default_rng(6)
    outside = 0
    for _ in range(400):
        values = rng.exponential(3.0, 5_000)
        missed = False
        for rows in LOOKS:
            seen = values[:rows]
            found = bounds.mean_bounds(float(seen.mean()), float(seen.std()), rows, 0.2)
            missed |= found is not None and not found[0] <= 3.0 <= found[1]
        outside += missed

    assert outside <= 80
