"""The parts of the train stage that need no container: plan, key, gate, metrics, machine."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from train_project import PROJECT

from sealift.errors import ProjectError, StepError, UsageError
from sealift.record.parse import parse
from sealift.record.project import Step
from sealift.train import key, metrics
from sealift.train.gate import failures
from sealift.train.machine import cores, machine, memory
from sealift.train.plan import Planned, plan


@pytest.fixture
def project():
    """The project that the tests of the stage share."""
    return parse(PROJECT, where="sealift.toml")


def params(planned, name):
    """The values of one step."""
    return next(one.params for one in planned if one.name == name)


def test_steps_come_behind_what_they_read_whatever_their_order_in_the_file():
    """Otherwise the order of the file is kept."""
    lines = [("z", "c.x"), ("a", ""), ("c", "b.x"), ("b", "")]
    text = 'name = "n"\n' + "".join(
        f'[steps.{name}]\nrun = "true"\nwrites = {{ x = "{name}" }}\nreads = {[r] if r else []}\n'
        for name, r in lines
    )

    assert [one.name for one in plan(parse(text, where="f"), {})] == ["a", "b", "c", "z"]


@pytest.mark.parametrize("given_as", [{"depth": 5}, {"train.depth": "5"}, {"train": {"depth": 5}}])
def test_a_parameter_can_be_given_flat_with_its_step_or_nested(project, given_as):
    """All forms mean the same, and texts become what the default is."""
    assert params(plan(project, given_as), "train") == {"depth": 5, "seed": 7}


def test_what_names_a_step_wins_over_what_does_not(project):
    """The closer word counts, whatever the order."""
    planned = plan(project, {"train.depth": 5, "depth": 4})

    assert params(planned, "train")["depth"] == 5
    assert planned[1].command == "sh train.sh 5"


@pytest.mark.parametrize(
    ("given_as", "remedy"),
    [
        ({"dpeth": 1}, "Did you mean 'depth'?"),
        ({"train.dpeth": 1}, "Did you mean 'train.depth'?"),
        ({"prepare.depth": 1}, "train.depth"),
        ({"depth": "3.5"}, "whole number"),
        ({"depth": True}, "whole number"),
        ({"depth": "inf"}, "whole number"),
        ({"mae": "nan"}, "a number"),
        ({"mae": "1e999"}, "a number"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_with_a_remedy(project, given_as, remedy):
    """Unknown names get the nearest, wrong values the kind that is wanted."""
    with pytest.raises(UsageError) as caught:
        plan(project, given_as)

    assert remedy in caught.value.remedy


LEAVES = st.dictionaries(
    st.sampled_from(["command", "code", "image", "param.a", "input.x.y", "env.Z", "writes.m"]),
    st.text(max_size=4),
)


@given(LEAVES, LEAVES)
def test_equal_leaves_have_equal_keys_and_others_are_explained(old, new):
    """Whatever differs, the sentence names at least one reason."""
    assert (key.key(old) == key.key(new)) == (old == new)
    assert ("last outputs" in key.explain("train", old, new)) == (old == new)


def test_several_reasons_make_one_sentence():
    """In the order of what people look at first."""
    old = {"code": "1", "param.depth": "2", "env.A": "x"}
    new = {"code": "2", "param.depth": "3", "env.B": "y"}

    assert key.explain("train", old, new) == (
        "train runs again: its parameter depth went from 2 to 3, its code changed, "
        "its variable B changed and its variable A changed."
    )


def test_values_of_the_environment_are_not_in_the_leaves():
    """Only their digests are."""
    step = Step(run="true", env={"TOKEN": "hush"})
    one = Planned(
        name="a", of="a", slug="a", cell={}, step=step, params={}, command="true", needs=()
    )

    shared = key.fixed(step)
    assert "hush" not in str(key.leaves(one, shared, image="sha256:0", code="sha256:1", inputs={}))


@pytest.mark.parametrize(
    ("gate", "passes"),
    [("<= 30", True), ("< 30", False), (">= 30", True), ("> 30", False), ("== 30", True),
     ("==30.0", True), ("<= -1e3", False), (" >=+.5 ", True)],
)  # fmt: skip
def test_every_comparison_of_a_gate_means_what_it_says(gate, passes):
    """At the boundary itself."""
    assert (failures({"mae": 30.0}, {"mae": gate}) == []) == passes


def test_every_missed_gate_is_named():
    """With the value and the bound."""
    assert failures({"mae": 31.0, "r2": 0.1, "n": 1.0}, {"mae": "<= 30", "r2": "> .5"}) == [
        "mae is 31, not <= 30",
        "r2 is 0.1, not > 0.5",
    ]


def test_a_required_metric_that_nobody_wrote_is_an_error():
    """With the nearest that was written."""
    with pytest.raises(ProjectError) as caught:
        failures({"train.mae": 1.0}, {"mae": "<= 30"})

    assert caught.value.where == "sealift.toml: model.require.mae"
    assert caught.value.remedy == "Did you mean 'train.mae'?"


def test_nested_metrics_are_flattened(tmp_path):
    """With dots between the names; whole numbers become floats."""
    file = tmp_path / "metrics.json"
    file.write_text('{"mae": 3, "by": {"carrier": {"AA": 1.5}}}')

    assert metrics.read(file, step="a") == {"mae": 3.0, "by.carrier.AA": 1.5}


def test_a_metrics_folder_or_a_number_too_large_is_refused(tmp_path):
    """As clearly as text that is not JSON."""
    with pytest.raises(StepError, match="is a folder"):
        metrics.read(tmp_path, step="a")
    (tmp_path / "m").write_text('{"n": 1' + "0" * 400 + "}")
    with pytest.raises(StepError, match="not a finite number"):
        metrics.read(tmp_path / "m", step="a")


def test_the_machine_is_described_as_this_process_sees_it():
    """Cores and memory are those that it may use."""
    here = machine("bubblewrap")

    assert 1 <= here.cores <= (os.cpu_count() or 1)
    assert here.memory > 2**20
    assert here.engine == "bubblewrap"
    assert here.cpu
    assert here.system.startswith("Linux")


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", None), ("100000 100000", 1), ("50000 100000", 1), ("", None)],
)
def test_a_quota_of_the_control_group_limits_the_cores(tmp_path, quota, expected):
    """Half a core is one to plan with."""
    (tmp_path / "cpu.max").write_text(quota)
    (tmp_path / "memory.max").write_text("1048576\n")

    assert cores(tmp_path) == (expected or len(os.sched_getaffinity(0)))
    assert memory(tmp_path) == 1048576
