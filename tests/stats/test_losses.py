"""Claims about losses and what the truth explains of them."""

import pytest

from sealift.stats.losses import LOSSES, absolute, middle, squared, wrong


def test_features_depend_on_the_truth_alone():
    """Whatever the answer was, they are the same."""
    for loss in LOSSES.values():
        assert loss(1.0, 30.0, 10.0)[1] == loss(99.0, 30.0, 10.0)[1]


def test_the_baseline_is_explained_wholly():
    """Its own loss is a combination of the features."""
    for truth in (-4.0, 10.0, 31.0):
        loss, (_, above, below) = absolute(10.0, truth, 10.0)
        assert loss == above + below
        loss, (_, _, square) = squared(10.0, truth, 10.0)
        assert loss == square


@pytest.mark.parametrize(
    ("output", "truth", "loss"),
    [("a", "a", 0.0), ("a", "b", 1.0), (1.0, "1", 0.0), ("01", "1", 1.0), (2, "two", 1.0)],
)
def test_classes_are_compared_as_texts_or_as_numbers(output, truth, loss):
    """A label may come as text for a class that is a number."""
    assert wrong(output, truth, "a")[0] == loss


@pytest.mark.parametrize("bad", ["late", "nan", float("inf"), float("nan"), 1e61])
def test_no_number_is_no_loss(bad):
    """A value error, which the reader counts."""
    for loss in (absolute, squared):
        with pytest.raises(ValueError, match=r"reasonable|convert"):
            loss(1.0, bad, 0.0)


def test_a_number_in_a_text_is_a_number():
    """Labels are sent as texts too."""
    assert absolute(1.0, "3.5", "0") == (2.5, (1.0, 3.5, 0.0))


def test_the_middle_of_truths_is_a_median_or_the_most_frequent_class():
    """For labels of either kind."""
    assert middle([1.0, 900.0, 3.0]) == 3.0
    assert middle(["a", "b", "b"]) == "b"
