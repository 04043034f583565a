"""What a person sees of a long run while it goes on."""

import pytest
from train_project import Small, Talk

from sealift.cli.output import Going, shown
from sealift.record.parse import parse
from sealift.train import points
from sealift.train.job import Bench
from sealift.train.plan import plan
from sealift.train.pulse import Pulse

PROJECT = """\
name = "long"

[steps.train]
run = "true {n}"
curves = true
params = { n = 1 }
matrix = { n = [1, 2] }
"""


@pytest.fixture
def pulse(tmp_path):
    """The pulse of a run with two steps at work."""
    small = Small(tmp_path)
    bench = Bench(small.folders, "long", small.engine, small.store, lake=None)
    talk, steps = Talk(), plan(parse(PROJECT, where="sealift.toml"), {})
    return Pulse("r1", 5, bench, talk), bench, steps, talk


def test_each_step_tells_its_latest_points(pulse):
    """The last whole line counts; what was told is not told again."""
    beating, bench, steps, talk = pulse
    folder = points.beside(bench.log("r1", steps[0]))
    points.begin(folder, None)
    with (folder / points.FILE).open("a") as file:
        file.write('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 0.25, "acc": 0.5}\n{"step": 3')
    beating.beat(steps, 3)
    beating.beat(steps, 3)
    beating.end()

    assert talk.steps == [
        ("all steps", "running, 3 of 5 done"),
        ("train[n=1]", "running, loss 0.25 at 2, acc 0.5 at 2"),
        ("all steps", "unchanged"),
    ]


def test_all_that_goes_on_is_shown_as_far_as_there_is_room():
    """A line each, on half of the terminal; then how many more there are."""
    going = {f"train[n={n}]": Going(0.0, more=f"loss 0.{n}") for n in range(10)}
    lines = shown(going, 8).plain.splitlines()

    assert [line.split("s  ", 1)[1] for line in lines[:2]] == [
        *("train[n=0]      loss 0.0", "train[n=1]      loss 0.1"),
    ]
    assert (len(lines), lines[-1].strip()) == (5, "and 6 more")
