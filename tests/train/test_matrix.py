"""A step for every combination of its parameters' values, and the step that reads them all."""

import json

import pytest
from train_project import Small, in_bubblewrap, one
from train_repeated import again, verdicts

from sealift.errors import ProjectError, StepError, UsageError
from sealift.record.parse import parse
from sealift.train.drawing.diagram import diagram
from sealift.train.plan import plan, recorded

MATRIX = """\
name = "search"

[steps.train]
run = "sh train.sh {depth} {rate}"
code = ["train.sh"]
writes = { model = "out/model", metrics = "out/metrics.json" }
params = { depth = 2, rate = 0.1, seed = 7 }
matrix = { depth = [2, 4, 6], rate = [0.1, 0.5] }

[steps.choose]
run = "sh choose.sh"
code = ["choose.sh"]
reads = ["train.model", "train.metrics"]
writes = { best = "best" }
"""

FILES = {
    "train.sh": 'mkdir out/model; echo "$1 $2 $SEALIFT_SEED" > out/model/weights\n'
    "printf '{\"mae\": %s}' $1 > out/metrics.json\n",
    "choose.sh": "ls out/model out/metrics.json > best\ncat out/model/*/weights >> best\n",
}


def searching(small):
    """The project with a matrix in its folder."""
    small.text = MATRIX
    for name, text in FILES.items():
        small.write(name, text)
    return small


@pytest.fixture
def search(small):
    """The project with a matrix; containers are programs of this machine."""
    return searching(small)


def test_every_combination_is_a_step_of_the_run(search):
    """Named by its values, with parameters of its own."""
    run = search.run()

    assert [step.name for step in run.steps] == [
        "train[depth=2,rate=0.1]",
        "train[depth=2,rate=0.5]",
        "train[depth=4,rate=0.1]",
        "train[depth=4,rate=0.5]",
        "train[depth=6,rate=0.1]",
        "train[depth=6,rate=0.5]",
        "choose",
    ]
    assert run.params["train[depth=4,rate=0.5]"] == {"depth": 4, "rate": 0.5, "seed": 7}
    assert run.metrics["train[depth=6,rate=0.1].mae"] == 6.0
    assert one(run, "train[depth=6,rate=0.5]").command == "sh train.sh 6 0.5"
    assert len({step.log for step in run.steps}) == 7


def test_a_reader_finds_all_of_them_by_their_values(search):
    """In a folder where the output would be; files keep their ending."""
    best = search.output(search.run(), "choose.best").read_text()

    assert "depth=2,rate=0.1\n" in best
    assert "depth=6,rate=0.5.json\n" in best
    assert best.splitlines()[-6:] == [f"{d} {r} 7" for d in (2, 4, 6) for r in (0.1, 0.5)]


@pytest.mark.engine
def test_real_containers_see_the_same(tmp_path):
    """Each output is mounted read-only under its name."""
    Small(tmp_path)
    small = searching(in_bubblewrap(tmp_path))
    best = small.output(small.run(), "choose.best").read_text()

    assert "depth=4,rate=0.5.json\n" in best
    assert best.splitlines()[-1] == "6 0.5 7"


def test_only_new_combinations_run(search):
    """The others come from the cache, wherever they stand in the list."""
    search.run()
    search.change("depth = [2, 4, 6]", "depth = [8, 6, 4]")
    run = search.run()

    fresh = [step.name for step in run.steps if not step.cached]
    assert fresh == ["train[depth=8,rate=0.1]", "train[depth=8,rate=0.5]", "choose"]
    assert "its input train[depth=8,rate=0.1].model changed" in one(run, "choose").because


def test_a_value_on_the_command_line_takes_the_place_of_the_list(search):
    """So that a single combination can be tried."""
    run = search.run(depth="9")

    assert [step.name for step in run.steps if step.name != "choose"] == [
        "train[depth=9,rate=0.1]",
        "train[depth=9,rate=0.5]",
    ]
    with pytest.raises(UsageError, match="depth"):
        search.run(depth="deep")


def test_one_that_fails_spares_the_others_but_not_the_reader(search):
    """The next run makes only what is missing."""
    search.write("train.sh", FILES["train.sh"] + '[ "$1" != 4 ] || [ "$2" != 0.5 ]\n')
    with pytest.raises(StepError, match=r"train\[depth=4,rate=0\.5\]"):
        search.run()
    search.write("train.sh", FILES["train.sh"])
    again_ = search.run()

    assert one(again_, "choose").status == "done"


def test_values_of_any_kind_can_be_names(search):
    """What a file name or a mount cannot hold is escaped, and nothing else is equal to it."""
    search.change("rate = 0.1, seed", 'path = "x", rate = 0.1, seed')
    search.change("rate = [0.1, 0.5]", 'path = ["a/b", "a%2Fb", "c:d,e=f", "ü"]')
    search.change("{depth} {rate}", "{depth} {rate} {path}")
    search.change("depth = [2, 4, 6]", "depth = [2]")
    run = search.run()

    assert [step.name for step in run.steps][:3] == [
        "train[depth=2,path=a%2Fb]",
        "train[depth=2,path=a%252Fb]",
        "train[depth=2,path=c%3Ad%2Ce%3Df]",
    ]
    assert len(search.output(run, "choose.best").read_text().splitlines()) > 8


def test_a_run_with_a_matrix_can_be_run_again(search):
    """From its record, whatever the file says by now."""
    search.image = search.store.put(b"an image", "application/octet-stream").digest
    run = search.run(depth="3")
    search.write("sealift.toml", 'name = "search"\n')

    made = again(search, run)

    assert made.reproduced
    assert list(verdicts(made)) == [
        "train[depth=3,rate=0.1].model",
        "train[depth=3,rate=0.1].metrics",
        "train[depth=3,rate=0.5].model",
        "train[depth=3,rate=0.5].metrics",
        "choose.best",
    ]


def test_a_plan_and_its_record_are_the_same():
    """Whatever was chosen on the command line."""
    project = parse(MATRIX, where="sealift.toml")
    planned = plan(project, {"depth": "5", "seed": 1})

    assert recorded(project, {one.name: one.params for one in planned}) == planned
    assert planned[-1].needs == ("train[depth=5,rate=0.1]", "train[depth=5,rate=0.5]")


def test_the_picture_names_the_values():
    """One node for the step."""
    (about, _) = [node.about for node in diagram(parse(MATRIX, where="sealift.toml")).nodes]

    assert about == "depth = 2, 4, 6; rate = 0.1, 0.5; seed = 7"


MODEL = '[model]\nfrom = "train.model"\ntask = "regression"\ntable = "choose.best"\ntarget = "x"\n'
WRONG = {
    "of which one is meant": (lambda text: text + MODEL, "which is meant"),
    "no parameter": (lambda text: text.replace("{ depth = [", "{ dpth = ["), "no parameter"),
    "twice": (lambda text: text.replace("[2, 4, 6]", "[2, 4, 2]"), "stands there twice"),
    "nothing": (lambda text: text.replace("[2, 4, 6]", "[]"), "matrix"),
    "mixed": (lambda text: text.replace("[2, 4, 6]", '[2, "four"]'), "not of the kind"),
    "too many": (
        lambda text: text.replace("[2, 4, 6]", json.dumps(list(range(6000)))),
        "12,000 combinations",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_matrix_that_makes_no_sense_is_refused(name):
    """Before anything runs, with the key that is wrong."""
    change, said = WRONG[name]
    with pytest.raises(ProjectError, match=said) as caught:
        parse(change(MATRIX), where="sealift.toml")

    assert caught.value.remedy


CHAIN = """\

[steps.judge]
run = "cat out/model/weights > out/judged; ls out/model >> out/judged; : {depth}"
code = []
reads = ["train.model"]
writes = { judged = "out/judged" }
params = { depth = 2, rate = 0.1 }
matrix = { depth = [2, 4, 6], rate = [0.1, 0.5] }

[steps.rank]
run = "ls out/judged > out/rank; : {depth}"
code = []
reads = ["judge.judged"]
writes = { rank = "out/rank" }
params = { depth = 2 }
matrix = { depth = [4, 6] }
"""
USED = CHAIN.replace("; : {depth}", "; : {depth} {rate}", 1)


def test_parameters_that_both_have_in_their_matrix_are_matched(search):
    """All of them: one cell reads one other, at its plain path. Some: those that fit, by name."""
    search.text += USED
    search.image = search.store.put(b"an image", "application/octet-stream").digest
    run = search.run()

    judged = search.output(run, "judge[depth=4,rate=0.5].judged").read_text()
    assert judged == "4 0.5 7\nweights\n"
    ranked = search.output(run, "rank[depth=6].rank").read_text()
    assert ranked == "depth=6,rate=0.1\ndepth=6,rate=0.5\n"
    assert one(run, "judge[depth=2,rate=0.1]").inputs.keys() == {"train[depth=2,rate=0.1].model"}
    assert set(verdicts(again(search, run, "judge[depth=4,rate=0.5]")).values()) == {
        "identical bytes"
    }


def test_a_cell_that_nothing_fits_is_refused_before_anything_runs(search):
    """By both places."""
    search.text += USED.replace("matrix = { depth = [4, 6] }", "matrix = { depth = [4, 8] }")

    with pytest.raises(UsageError, match=r"rank\[depth=8\] would read 'judge'") as caught:
        search.run()
    assert caught.value.where == "sealift.toml: steps.rank.matrix and steps.judge.matrix"
    assert search.engine.ran == []
    search.text = search.text.replace("depth = [4, 8]", "depth = [4, 6]")
    assert {step.name for step in search.run(depth=4).steps} == {
        *("train[depth=4,rate=0.1]", "train[depth=4,rate=0.5]", "choose", "rank[depth=4]"),
        *("judge[depth=4,rate=0.1]", "judge[depth=4,rate=0.5]"),
    }
