"""Steps that run only where a metric of an earlier one is good enough."""

import pytest
from train_foreseen import ahead
from train_project import one

from sealift.errors import ProjectError
from sealift.record.parse import parse
from sealift.record.run import Run

MORE = """
[steps.publish]
run = "cp out/model/weights best"
code = []
reads = ["train.model"]
writes = { best = "best" }
when = { "evaluate.mae" = "< 10" }

[steps.tell]
run = "cp best told"
code = []
reads = ["publish.best"]
writes = { told = "told" }
"""


@pytest.fixture
def gated(small):
    """The project with a step that publishes good models only, and one that needs it."""
    small.text += MORE
    return small


def statuses(run):
    """By step."""
    return {step.name: step.status for step in run.steps}


def test_a_step_is_skipped_where_its_condition_does_not_hold(gated):
    """The run is done all the same, and says why."""
    run = gated.run()

    assert run.status == "done"
    assert statuses(run) == {
        "prepare": "done",
        "train": "done",
        "evaluate": "done",
        "publish": "skipped",
        "tell": "skipped",
    }
    assert one(run, "publish").because == "publish is skipped: evaluate.mae is 12.5, not < 10."
    assert one(run, "tell").because == "tell is skipped: it needs publish."
    assert one(run, "publish").because in gated.talk.said


def test_it_runs_where_the_condition_holds(gated):
    """After the step that wrote the metric, though it reads nothing of it."""
    run = gated.run(mae=9.5)

    assert set(statuses(run).values()) == {"done"}
    assert one(run, "publish").started >= one(run, "evaluate").started


def test_the_condition_is_no_part_of_what_the_outputs_are(gated):
    """A stricter one that still holds leaves the cache as it is."""
    gated.run(mae=9.5)
    gated.change('"< 10"', '"< 9.8"')

    assert all(step.cached for step in gated.run(mae=9.5).steps)


def test_a_plan_knows_of_it(gated):
    """As soon as the metric is known."""
    gated.run()
    found = ahead(gated)

    assert (found["publish"].action, found["tell"].action) == ("skipped", "skipped")
    assert "12.5, not < 10" in found["publish"].because
    assert ahead(gated, mae=1.5)["publish"].action == "waits"


def test_a_metric_that_nobody_wrote_ends_the_run(gated):
    """With the metric that may have been meant; the record is kept."""
    gated.change('"evaluate.mae"', '"evaluate.mea"')
    with pytest.raises(ProjectError, match=r"'evaluate\.mea' is required") as caught:
        gated.run()

    assert "evaluate.mae" in caught.value.remedy
    assert gated.ledger.all(Run)[-1].status == "failed"


WRONG = {
    "no such step": ('"evaluate.mae" = "< 10"', '"evaluat.mae" = "< 10"'),
    "no metric named": ('"evaluate.mae" = "< 10"', '"evaluate" = "< 10"'),
    "a step without metrics": ('"evaluate.mae" = "< 10"', '"train.mae" = "< 10"'),
    "no comparison": ('"evaluate.mae" = "< 10"', '"evaluate.mae" = "small"'),
    "a circle": ("{ mae = 12.5 }", '{ mae = 12.5 }\nwhen = { "evaluate.mae" = "< 1" }'),
    "of many": ("{ mae = 12.5 }", "{ mae = 12.5 }\nmatrix = { mae = [1.0, 2.0] }"),
}


@pytest.mark.parametrize("name", WRONG)
def test_conditions_that_make_no_sense_are_refused(gated, name):
    """Before anything runs."""
    gated.change(*WRONG[name])
    with pytest.raises(ProjectError) as caught:
        parse(gated.text, where="sealift.toml")

    assert "steps." in caught.value.where
    assert caught.value.remedy
