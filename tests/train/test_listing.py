"""Runs as a table: conditions, order, and what is not the same in two of them."""

import pytest

from sealift.errors import StepError, UsageError
from sealift.record.run import Run
from sealift.train.contrast import Contrast, contrasts, lines
from sealift.train.listing import columns, condition, select


@pytest.fixture
def three(small):
    """Runs with depths 2, 5 and 9, and errors of 12.5, 8.5 and 30."""
    small.run("first")
    small.run("second try", depth=5, mae=8.5)
    small.run("third", depth=9, mae=30.0)
    return small.ledger.all(Run)


def chosen(runs, *texts, **how):
    """The depths of the runs that are wanted."""
    found = select(runs, [condition(text) for text in texts], **how)
    return [run.params["train"]["depth"] for run in found]


def test_a_run_is_a_row_of_what_it_is_was_given_and_came_to(three):
    """A parameter has its step's name before it, and stands alone where only one step has it."""
    row = columns(three[1])

    assert (row["status"], row["comment"], row["train.depth"], row["depth"]) == (
        "done",
        "second try",
        5,
        5,
    )
    # the metric, which one of the steps has a parameter called alike
    assert row["mae"] == 8.5
    assert row["evaluate.mae"] == 8.5
    assert row["seconds"] >= 0


@pytest.mark.parametrize(
    ("texts", "depths"),
    [
        ((), [2, 5, 9]),
        (("mae < 12.5",), [5]),
        (("mae<=12.5", "depth != 5"), [2]),
        (("train.depth = 9",), [9]),
        (("depth == 9.0",), [9]),
        (("comment ~ TRY",), [5]),
        (("comment = third",), [9]),
        (("status != done",), []),
        (("mae > nought",), None),
        (("model = 1",), None),
        (("mea < 3",), None),
        (("just words",), None),
    ],
)
def test_conditions_choose(three, texts, depths):
    """Numbers by size, texts by what they hold; what makes no sense is refused."""
    if depths is None:
        with pytest.raises(UsageError) as caught:
            chosen(three, *texts)
        assert caught.value.remedy
    else:
        assert chosen(three, *texts) == depths


def test_runs_are_sorted_by_any_column(three):
    """Both ways; numbers as numbers."""
    assert chosen(three, sort="mae") == [5, 2, 9]
    assert chosen(three, sort="mae", falling=True) == [9, 2, 5]
    assert chosen(three, sort="comment") == [2, 5, 9]
    with pytest.raises(UsageError, match="No run has a column 'mea'"):
        chosen(three, sort="mea")


def test_runs_without_the_column_come_last_either_way(small, three):
    """As a run that failed before it wrote its metrics."""
    small.write("train.sh", "exit 1\n")
    with pytest.raises(StepError, match="exit status 1"):
        small.run(depth=7)
    runs = [small.ledger.all(Run)[-1], *three]

    assert chosen(runs, sort="mae") == [5, 2, 9, 7]
    assert chosen(runs, sort="mae", falling=True) == [9, 2, 5, 7]
    assert chosen(runs, "status = failed") == [7]


def compared(small, *runs, packages=lambda run: {}):
    """What is not the same in runs, without outcomes of outputs."""
    trees = [small.store.tree(run.code.digest) for run in runs]
    return [one for one in contrasts(runs, trees, packages) if one.aspect != "output"]


def test_only_what_differs_is_shown(small, three):
    """With the value that each run has."""
    assert compared(small, *three) == [
        Contrast("metric", "mae", ("12.5", "8.5", "30")),
        Contrast("parameter", "evaluate.mae", ("12.5", "8.5", "30.0")),
        Contrast("parameter", "train.depth", ("2", "5", "9")),
    ]
    assert compared(small, three[0], three[0]) == []


def test_code_data_and_packages_are_compared_by_content(small):
    """A file that is new, changed or gone; a version that went up."""
    old = small.run()
    small.write("train.sh", "mkdir out/model; echo 1 > out/model/weights; :\n")
    small.write("extra.txt", "new\n")
    small.write("data/rows.csv", "id\n7\n")
    new = small.run()
    versions = {old.id: {"numpy": "1.0", "left": "1"}, new.id: {"numpy": "2.0", "came": "3"}}

    found = {
        (one.aspect, one.name): one.values
        for one in compared(small, old, new, packages=lambda run: versions[run.id])
    }
    assert set(found) >= {("code", "train.sh"), ("data", "rows"), ("package", "numpy")}
    assert found["code", "extra.txt"][0] == "-"
    assert found["package", "numpy"] == ("1.0", "2.0")
    assert found["package", "came"] == ("-", "3")
    assert ("code", "prepare.sh") not in found


def test_the_diff_of_the_code_can_be_read_line_by_line(small):
    """Files that are no text are named."""
    (small.root / "blob").write_bytes(b"\0one")
    old = small.run()
    small.write("prepare.sh", "cat data/rows.csv > out/table.csv\necho more >> out/table.csv\n")
    (small.root / "blob").write_bytes(b"\0two")
    new = small.run()

    told = list(lines(*(small.store.tree(run.code.digest) for run in (old, new))))
    assert "+echo more >> out/table.csv" in told
    assert "--- a/prepare.sh" in told
    assert "blob differs, and is no text or very long" in told
    assert not any("train.sh" in line for line in told)
