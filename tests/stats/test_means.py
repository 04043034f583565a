"""Claims about the difference of two mean losses."""

import math

import numpy as np
import pytest

from sealift.stats.means import Block, MeanDifference, Score, log_mixture, log_normal_cdf

CONSTANT = (1.0,)


def test_the_mixture_is_the_integral_it_stands_for():
    """By the trapezoidal rule over half-normal bets."""
    for total, variance, rho in ((3.0, 4.0, 1.0), (-6.0, 9.0, 2.0), (30.0, 40.0, 10.0)):
        bets = np.linspace(0, 12 / math.sqrt(rho), 400_001)
        density = 2 * np.exp(-rho * bets**2 / 2) * math.sqrt(rho / (2 * math.pi))
        integral = np.trapezoid(density * np.exp(bets * total - bets**2 * variance / 2), bets)

        assert log_mixture(total, variance, rho) == pytest.approx(math.log(integral), rel=1e-6)


def test_the_normal_distribution_is_known_far_into_its_tail():
    """Where its floating-point value would be 0."""
    assert log_normal_cdf(0.0) == pytest.approx(math.log(0.5))
    assert log_normal_cdf(-30.001) == pytest.approx(log_normal_cdf(-29.999), rel=1e-3)
    assert log_normal_cdf(-1_000.0) == pytest.approx(-500_007.8, rel=1e-6)


def test_the_inequality_that_the_variance_rests_on_holds():
    """exp(x - x^2/6) <= 1 + x + x^2/3, for every x."""
    x = np.concatenate([np.linspace(-60, 60, 240_001), np.linspace(-0.01, 0.01, 2_001)])

    assert np.all(np.exp(x - x * x / 6) <= 1 + x + x * x / 3 + 1e-12)


def scores(losses, arms, share, expected, **settings):
    """One score object fed with predictions of known expected loss."""
    score = Score(**settings)
    block = Block([(loss, CONSTANT, arm, share) for loss, arm in zip(losses, arms, strict=True)])
    score.add(block, np.asarray(expected, dtype=float))
    return score


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.8])
@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (1.05, 0.0), (1.3, 0.0), (1.0, 0.4)])
def test_bets_on_a_prediction_have_a_mean_of_at_most_1_whatever_its_loss(share, factor, offset):
    """Exactly, over the split, where the candidate loses factor x stable + offset; both ways."""
    for stable in (0.0, 0.7, 250.0):
        for expected in (0.0, 1.0, 20.0):
            candidate = factor * stable + offset
            means = dict.fromkeys((0.001, -0.001, 0.05, -0.05, 0.5, -0.5), 0.0)
            for arm, loss, chance in ((True, candidate, share), (False, stable, 1 - share)):
                score = scores([loss], [arm], share, [expected], factor=factor, offset=offset)
                variance = score._variance(0.0)
                for bet in means:
                    log = bet * score.total - bet * bet * variance / 2
                    means[bet] += chance * math.exp(log)
            assert max(means.values()) <= 1 + 1e-12


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("expected", [0.0, 3.0, 50.0])
def test_the_score_is_unbiased_whatever_loss_is_expected(share, expected):
    """Its mean over the split is w(1-w) (candidate - f stable - c)."""
    candidate, stable, factor, offset = 4.0, 3.0, 1.1, 0.2
    mean = sum(
        chance * scores([loss], [arm], share, [expected], factor=factor, offset=offset).total
        for arm, loss, chance in ((True, candidate, share), (False, stable, 1 - share))
    )

    assert mean == pytest.approx(share * (1 - share) * (candidate - factor * stable - offset))


def fed(losses, features, arms, shares, **settings):
    """A comparison that has read predictions in order."""
    mean = MeanDifference(**{"margin": 0.05, "relative": True, "alpha": 0.05} | settings)
    for loss, feature, arm, share in zip(losses, features, arms, shares, strict=True):
        mean.add(float(loss), feature, candidate=bool(arm), share=float(share))
    return mean


def example(seed, number=3_000, share=0.5, factor=1.0):
    """Losses of which the truth explains most."""
    rng = np.random.default_rng(seed)
    arms = rng.random(number) < share
    truth = rng.exponential(20, number)
    losses = truth + rng.gamma(2, 3, number)
    return np.where(arms, factor * losses, losses), truth, arms, np.full(number, share)


def test_what_the_truth_explains_is_taken_out():
    """The interval is several times narrower, around the same difference."""
    losses, truth, arms, shares = example(15)
    plain = fed(losses, [CONSTANT] * len(losses), arms, shares)
    adjusted = fed(losses, [(1.0, value) for value in truth.tolist()], arms, shares)
    widths = [mean.upper(0.05) - mean.lower(0.05) for mean in (plain, adjusted)]

    assert widths[1] < 0.35 * widths[0]
    assert adjusted.lower(0.05) < 0 < adjusted.upper(0.05)


def test_what_the_truth_explains_is_learnt_all_the_way():
    """Even where the first losses do not show it."""
    losses, truth, arms, shares = example(24)
    losses[:100] -= truth[:100]
    truth[:100] = 0.0
    mean = fed(losses, [(1.0, value) for value in truth.tolist()], arms, shares)
    plain = fed(losses, [CONSTANT] * len(losses), arms, shares)

    assert mean.upper(0.05) - mean.lower(0.05) < 0.5 * (plain.upper(0.05) - plain.lower(0.05))


@pytest.mark.parametrize("relative", [True, False])
def test_the_upper_bound_agrees_with_the_proof_of_harmlessness(relative):
    """Below the margin exactly when the evidence is there."""
    agreed = set()
    for seed, margin in ((16, 0.002), (17, 0.01), (18, 0.1), (19, 0.3)):
        losses, truth, arms, shares = example(seed, 1_500)
        features = [(1.0, value) for value in truth.tolist()]
        scale = 1.0 if relative else 26.0
        mean = fed(losses, features, arms, shares, margin=margin * scale, relative=relative)
        allowed = margin * (mean.stable_mean() if relative else scale)
        proven = mean.log_e_harmless() >= math.log(20)
        assert proven == (mean.upper(0.05) <= allowed)
        agreed.add(proven)

    assert agreed == {True, False}


@pytest.mark.parametrize(
    ("shares", "kind"), [((0.1,), "heavy"), ((0.1, 0.5), "rare"), ((0.5,), "heavy")]
)
@pytest.mark.parametrize("side", ["worse", "harmless"])
def test_hard_losses_do_not_break_the_promise(shares, kind, side):
    """Squares of a t distribution, or 2 % of ones: 150 streams, 25 looks, 5 % false alarms."""
    alarms = 0
    for seed in range(150):
        rng = np.random.default_rng([20, seed])
        split = np.repeat(shares, 2_500 // len(shares))
        arms = rng.random(len(split)) < split
        worse = arms & (side == "harmless")
        if kind == "heavy":
            losses = rng.standard_t(3, len(split)) ** 2 * np.where(worse, 1.3, 1.0)
            mean = MeanDifference(margin=0.3, relative=True, alpha=0.05)
        else:
            losses = rng.random(len(split)) < np.where(worse, 0.03, 0.02)
            mean = MeanDifference(margin=0.01, relative=False, alpha=0.05)
        rows = zip(losses.tolist(), arms.tolist(), split.tolist(), strict=True)
        for number, (loss, arm, share) in enumerate(rows):
            mean.add(float(loss), CONSTANT, candidate=arm, share=share)
            if number % 100 == 99:
                found = mean.log_e_worse() if side == "worse" else mean.log_e_harmless()
                if found >= math.log(20):
                    alarms += 1
                    break

    assert alarms <= 150 * 0.05


def test_one_monstrous_loss_decides_nothing():
    """Neither for nor against the version that it hit."""
    for arm, monster in ((True, 1e6), (False, 1e12), (True, 1e60), (False, 1e120)):
        losses, truth, arms, shares = example(21)
        losses[2_000], arms[2_000] = monster, arm
        mean = fed(losses, [(1.0, value) for value in truth.tolist()], arms, shares)

        assert mean.log_e_worse() < math.log(20)
        assert mean.log_e_harmless() < math.log(20)


def test_losses_that_are_all_equal_are_no_trouble():
    """Two perfect versions, or two that are wrong by the same each time."""
    for loss in (0.0, 7.0):
        arms = [number % 2 == 1 for number in range(1_000)]
        mean = fed([loss] * 1_000, [CONSTANT] * 1_000, arms, [0.5] * 1_000)

        assert mean.log_e_worse() < math.log(20)
        assert mean.lower(0.05) <= 0 <= mean.upper(0.05)
        assert mean.upper(0.05) - mean.lower(0.05) < 0.5


def test_nothing_is_said_before_each_version_has_a_hundred_losses():
    """However bad they look."""
    losses, truth, arms, shares = example(22, 900, share=0.1, factor=10.0)
    mean = fed(losses, [(1.0, value) for value in truth.tolist()], arms, shares)

    assert mean.candidate < 100
    assert not mean.ready
    assert mean.log_e_worse() == mean.log_e_harmless() == 0.0


def test_a_difference_that_drifts_with_the_share_is_no_difference():
    """Losses that fall to a fifth while the share grows: equal versions stay equal."""
    rng = np.random.default_rng(23)
    shares = np.repeat([0.1, 0.5], 3_000)
    arms = rng.random(6_000) < shares
    losses = rng.exponential(np.where(shares < 0.3, 50.0, 10.0))
    mean = fed(losses, [CONSTANT] * 6_000, arms, shares)

    assert losses[arms].mean() < 0.6 * losses[~arms].mean()
    assert mean.log_e_worse() < math.log(20)
    assert mean.log_e_harmless() < math.log(20)
    assert mean.lower(0.05) < 0 < mean.upper(0.05)
