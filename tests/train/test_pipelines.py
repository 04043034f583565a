"""Pipelines within a pipeline: the steps of another file."""

import pytest
from train_project import Small
from train_repeated import again

from sealift.errors import ProjectError
from sealift.folders import reader
from sealift.record.parse import parse

PART = """\
[steps.clean]
run = "sort {dataset} > out/clean"
code = []
reads = ["inputs.rows"]
writes = { table = "out/clean" }
params = { dataset = "none" }

[steps.count]
run = "wc -l < out/clean > out/{pipeline}.txt; echo '{{\\"n\\": 1}}' > out/metrics.json"
code = []
reads = ["clean.table"]
writes = { size = "out/{pipeline}.txt", metrics = "out/metrics.json" }

[steps.last]
run = "true"
when = { "count.n" = ">= 1" }
"""
WHOLE = """\
name = "small"

[data.rows]
uri = "data/rows.csv"

[steps.more]
run = "printf 'a\\\\nb\\\\nc\\\\nd\\\\n' > out/more"
code = []
writes = { rows = "out/more" }

[pipelines.first]
file = "parts/count.toml"
inputs = { rows = "data.rows" }
params = { dataset = "data/rows.csv" }

[pipelines.second]
file = "parts/count.toml"
inputs = { rows = "more.rows" }
params = { dataset = "out/more" }

[steps.sum]
run = "cat out/first.txt out/second.txt > out/sum"
code = []
reads = ["first-count.size", "second-count.size"]
writes = { sum = "out/sum" }
"""


@pytest.fixture
def small(tmp_path):
    """A project that has the steps of one file twice."""
    made = Small(tmp_path / "p")
    made.text = WHOLE
    made.write("parts/count.toml", PART)
    made.image = made.store.put(b"an image", "application/octet-stream").digest
    return made


def test_the_steps_of_a_file_run_once_for_each_of_its_names(small):
    """With other inputs and parameters; and from the record once more."""
    run = small.run()

    assert small.output(run, "sum.sum").read_text().split() == ["3", "4"]
    assert {one.name for one in run.steps} == {
        *("more", "sum", "first-clean", "first-count", "first-last"),
        *("second-clean", "second-count", "second-last"),
    }
    assert again(small, run).reproduced


def test_a_change_of_the_file_runs_again_what_it_changes(small):
    """The file itself is no code that a step sees."""
    small.run()
    small.write("parts/count.toml", PART.replace("sort", "sort -r"))

    ran = {one.name for one in small.run().steps if not one.cached}
    assert ran == {"first-clean", "first-count", "second-clean", "second-count"}


@pytest.mark.parametrize(
    ("old", "new", "what", "where"),
    [
        ("parts/count", "parts/none", "cannot be read", "parts/none.toml"),
        ("parts/count.toml", "../else.toml", "is not in the project", "else.toml"),
        ('rows = "data.rows"', 'row = "data.rows"', "needs the input 'rows'", "steps.clean and"),
        ('rows = "data.rows"', 'rows = "data.row"', "no dataset", "parts/count.toml: steps.clean"),
        ("{ dataset = ", "{ datasets = ", "has a parameter", "pipelines.first.params.datasets"),
        ("[steps.more]", "[steps.first-last]", "Two steps", "steps.first-last and parts/count"),
        ("[pipelines.first]", "[pipelines.first]\nname = 1", "name", "pipelines.first.name"),
    ],
)
def test_what_does_not_fit_is_told_with_the_place_to_look_at(small, old, new, what, where):
    """In the file itself, or in the project file that names it."""
    text = WHOLE.replace(old, new, 1)
    with pytest.raises(ProjectError) as caught:
        parse(text, where="sealift.toml", read=reader(small.root))

    assert what in caught.value.what
    assert where in caught.value.where


def test_a_fault_in_the_file_is_told_as_one_of_that_file(small):
    """By the key that stands there, not by the one of the whole project."""
    for old, new, where in (
        ("[steps.last]", "[steps.last]\nruns = 1", "parts/count.toml: steps.last"),
        ("[steps.last]", "[data.x]\nuri = 'x'\n[steps.last]", "parts/count.toml: data"),
        ("[steps.last]", "[steps.last", "parts/count.toml: line 14"),
    ):
        small.write("parts/count.toml", PART.replace(old, new))
        with pytest.raises(ProjectError) as caught:
            parse(WHOLE, where="sealift.toml", read=reader(small.root))
        assert where in caught.value.where
