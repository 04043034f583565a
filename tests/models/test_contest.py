"""Gates of aliases: absolute, against who has the alias, and in the worst group of rows."""

import random

import pytest

from sealift.errors import DataError
from sealift.record.gate import Against, AliasGates, Slice
from sealift.train import scores
from sealift.train.contest import Contender, difference, judge
from sealift.train.scores import Scores


def table(errors, carriers=None, ids=True):
    """Scores of rows."""
    columns = {"error": [str(one) for one in errors]}
    if ids:
        columns["id"] = [str(number) for number in range(len(errors))]
    if carriers:
        columns["carrier"] = carriers
    return Scores("output evaluate.scores", columns)


def noise(count, seed=0):
    """Errors of rows that differ a lot from each other."""
    chance = random.Random(seed)
    return [chance.gauss(25.0, 10.0) for _ in range(count)]


def found(gates, new, old=None):
    """What the gates say, as pairs."""
    return [(one.passed, one.found) for one in judge(gates, new, old)]


def test_a_metric_that_is_missing_fails_its_gate():
    """A gate that cannot be judged is not met."""
    gates = AliasGates(require={"mae": "<= 30", "r2": ">= 0.5"})

    assert found(gates, Contender(1, {"mae": 30.0})) == [
        (True, "30"),
        (False, "the model has no such metric"),
    ]


def test_without_scores_the_plain_difference_counts():
    """And it is said that nobody knows how sure it is."""
    gates = AliasGates(against={"mae": Against(difference="<= 0.5")})
    old = Contender(1, {"mae": 25.0})

    assert judge(gates, Contender(2, {"mae": 25.4}), old)[0].passed
    assert not judge(gates, Contender(2, {"mae": 25.6}), old)[0].passed
    assert "not known" in judge(gates, Contender(2, {"mae": 25.4}), old)[0].found
    assert judge(gates, Contender(2, {"mae": 99.0}), None)[0].passed


def test_pairs_of_rows_show_a_difference_that_means_do_not():
    """A model that is a little better on every row is shown to be better only row by row."""
    before = noise(500)
    after = [value - 0.5 for value in before]

    mean, bounds, how = difference(table(after), table(before), "error")
    _, wide, _ = difference(table(after, ids=False), table(before), "error")

    assert mean == pytest.approx(-0.5)
    assert bounds[1] < -0.49
    assert how == "500 rows in pairs"
    assert wide[0] < -2
    assert wide[1] > 1


def test_a_difference_must_hold_at_the_worse_end_of_its_interval():
    """A better mean that may be chance is not enough to take the alias."""
    gates = AliasGates(against={"mae": Against(difference="<= 0", score="error")})
    before = noise(60)
    after = [value - 0.1 + shift for value, shift in zip(before, noise(60, seed=1), strict=True)]
    lucky = [value - 25 for value in after]

    assert not judge(gates, Contender(2, {}, table(lucky)), Contender(1, {}, table(before)))[
        0
    ].passed
    sure = [value - 5 for value in before]
    assert judge(gates, Contender(2, {}, table(sure)), Contender(1, {}, table(before)))[0].passed


def test_few_rows_and_lost_scores_show_nothing():
    """What cannot be told is not met, and says why."""
    gates = AliasGates(against={"mae": Against(difference="<= 5", score="error")})
    few = Contender(1, {}, table([1.0] * 10))

    assert found(gates, Contender(2, {}, table([1.0] * 10)), few)[0] == (
        False,
        "10 rows in pairs: too few to tell, 30 will do",
    )
    assert found(gates, Contender(2, {}), few)[0] == (False, "no scores of model 2 are here")


def test_the_worst_group_decides():
    """A group below the gate is named; one of few rows is not judged, and that is said."""
    rows = table(
        [1.0] * 30 + [0.0] * 9 + [1.0] * 21 + [0.0] * 3, ["A"] * 30 + ["B"] * 30 + ["C"] * 3
    )
    one = Contender(1, {}, rows)

    def gate(require):
        return AliasGates(slices=[Slice(by="carrier", score="error", require=require)])

    left = "; 1 groups of less than 20 rows are not judged"
    assert found(gate(">= 0.8"), one) == [(False, f"missed by: B 0.7{left}")]
    assert found(gate(">= 0.6"), one) == [(True, f"worst: B 0.7{left}")]
    with pytest.raises(DataError, match="no column 'carrier'"):
        judge(gate(">= 0.6"), Contender(1, {}, table([1.0])), None)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "are empty"),
        ("id,error\n", "are empty"),
        ("id,error\n1\n", "have 1 fields"),
        ("id,error\n1,nan\n", "not a finite number"),
        ("id,error\n1,one\n", "not a finite number"),
    ],
)
def test_scores_that_cannot_be_read_are_refused(tmp_path, text, what):
    """With the line that is wrong."""
    (tmp_path / "scores.csv").write_text(text)

    with pytest.raises(DataError, match=what):
        scores.read(tmp_path / "scores.csv", "output a.scores").numbers("error")
