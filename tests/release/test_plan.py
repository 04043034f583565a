"""Claims about the plan of a release."""

import pytest

from sealift.errors import ProjectError
from sealift.record.project import GuardSettings, ReleaseSettings
from sealift.record.release import Guard
from sealift.release.plan import plan


def guarded(**margins):
    """Settings with margins by guard."""
    return ReleaseSettings(
        guard={name: GuardSettings(margin=margin) for name, margin in margins.items()}
    )


def test_margins_become_fractions():
    """Points of all answers for errors and error_rate, parts of the stable's value for others."""
    made = plan(guarded(mae="20%", errors="0.5%", error_rate="2%", latency_p99="150%"))

    assert made.guards == (
        Guard(name="errors", margin=0.005),
        Guard(name="latency_p99", margin=1.5),
        Guard(name="mae", margin=0.2),
        Guard(name="error_rate", margin=0.02),
    )


def test_errors_are_always_guarded():
    """With a margin of one point where the user gives none."""
    assert plan(guarded(mae="3%")).guards[0] == Guard(name="errors", margin=0.01)
    assert plan(ReleaseSettings(guard={})).guards == (Guard(name="errors", margin=0.01),)


def test_the_rest_of_the_settings_is_taken_over():
    """Stages as fractions."""
    made = plan(
        ReleaseSettings(
            stages=[5, 25, 75], stage_requests=40, alpha=0.01, limit=60, undecided="hold"
        )
    )

    assert made.stages == (0.05, 0.25, 0.75)
    assert (made.stage_requests, made.alpha, made.limit) == (40, 0.01, 60.0)
    assert (made.strategy, made.undecided) == ("canary", "hold")


def test_blue_green_has_no_stages():
    """Whatever the file says of them."""
    assert plan(ReleaseSettings(strategy="blue-green", stages=[50, 10])).stages == ()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (ReleaseSettings(stages=[]), "release.stages = []"),
        (ReleaseSettings(stages=[50, 10]), "release.stages = [50, 10]"),
        (ReleaseSettings(stages=[10, 10]), "release.stages = [10, 10]"),
        (ReleaseSettings(stages=[0, 10]), "release.stages = [0, 10]"),
        (ReleaseSettings(stages=[10, 100]), "release.stages = [10, 100]"),
        (ReleaseSettings(alpha=0.7), "release.alpha = 0.7"),
        (guarded(mae="3"), "release.guard.mae.margin = '3'"),
        (guarded(mae="-3%"), "release.guard.mae.margin = '-3%'"),
        (guarded(mae="0.0%"), "release.guard.mae.margin = '0.0%'"),
        (guarded(errors="100%"), "release.guard.errors.margin = '100%'"),
    ],
)
def test_what_cannot_be_planned_is_named_with_its_value_and_a_remedy(settings, named):
    """The key as it is written in the file."""
    with pytest.raises(ProjectError) as error:
        plan(settings)

    assert named in error.value.what
    assert error.value.remedy
