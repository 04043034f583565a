"""Aliases, tags and notes: one version an alias, every move kept, gates in between."""

import json

import msgspec
import pytest

from sealift import clock
from sealift.chapters import naming, versions
from sealift.chapters.lineage import lineage
from sealift.errors import CheckError, NotFoundError, UsageError
from sealift.record.contract import Contract
from sealift.record.dataset import Snapshot
from sealift.record.model import Model
from sealift.record.run import Code, Machine, Run, StepRun
from sealift.train.listing import condition, select
from sealift.types import Digest
from sealift.wiring import Wired

PROJECT = """\
name = "flights"

[data.rows]
uri = "rows.csv"

[steps.train]
run = "true"
reads = ["data.rows"]
writes = { model = "out/model", table = "out/table.csv", metrics = "out/m.json" }

[model]
from = "train.model"
task = "regression"
table = "train.table"
target = "t"

[model.gates.champion]
require = { mae = "<= 30" }
against.mae = { difference = "<= 0.5" }
"""


def address(letter):
    """A digest that is easy to tell."""
    return Digest("sha256:" + letter * 64)


def a_run(name, steps=()):
    """The record of a run."""
    return Run(
        id=name,
        project="flights",
        status="done",
        started=clock.now(),
        finished=clock.now(),
        user="ana",
        comment="",
        code=Code(digest=address("c"), commit="abc"),
        machine=Machine(
            host="desk", user="ana", system="Linux", cpu="x", cores=2, memory=1, engine="none"
        ),
        image=address("e"),
        lock=None,
        snapshots={"rows": Snapshot(name="rows", uri="rows.csv", digest=address("d"), entries=())},
        params={"train": {"depth": 6}},
        seeds={},
        steps=steps,
    )


@pytest.fixture
def wired(tmp_path):
    """A project with three models, the second a little worse and the third far worse."""
    (tmp_path / "sealift.toml").write_text(PROJECT)
    found = Wired(tmp_path)
    step = StepRun(
        name="train",
        status="done",
        key=address("f"),
        leaves={},
        cached=False,
        command="true",
        started=0.0,
        seconds=1.0,
        inputs={"data.rows": address("d")},
        outputs={"model": address("a"), "table": address("b")},
    )
    found.ledger.save(a_run("r1", (step,)))
    for version, mae in ((1, 25.0), (2, 25.3), (3, 29.0)):
        found.ledger.save(
            Model(
                name="flights",
                version=version,
                digest=address(str(version)),
                content=address(str(version)),
                run="r1",
                created=float(version),
                task="regression",
                metrics={"mae": mae},
                contract=Contract(
                    task="regression", target="t", fields=(), outputs=(), prediction="p"
                ),
            )
        )
    return found


def test_an_alias_belongs_to_one_version_and_every_move_is_kept(wired):
    """Who has it now, and who had it before, with the reasons."""
    naming.give(wired, "champion", 1, why="the first")
    naming.give(wired, "champion", 2, why="newer data")
    naming.give(wired, "challenger", 3, why="to be tried")

    marks = versions.marks(wired)
    assert marks.aliases == {"challenger": 3, "champion": 2}
    assert [(one.name, one.key, one.why) for one in marks.about("model")] == [
        ("champion", "1", "the first"),
        ("champion", "2", "newer data"),
        ("challenger", "3", "to be tried"),
    ]
    naming.take(wired, "champion", why="recalled")
    assert versions.marks(wired).aliases == {"challenger": 3}
    with pytest.raises(NotFoundError, match="champion"):
        naming.take(wired, "champion", why="")


def test_gates_stand_before_an_alias_and_can_be_overruled_with_a_reason(wired):
    """What was overruled stands in the history, gate by gate."""
    naming.give(wired, "champion", 1, why="")

    with pytest.raises(CheckError, match=r"mae against model 1 <= 0.5: \+4"):
        naming.give(wired, "champion", 3, why="")
    with pytest.raises(UsageError, match="for a reason"):
        naming.give(wired, "champion", 3, why="", force=True)
    assert versions.marks(wired).aliases == {"champion": 1}
    with pytest.raises(CheckError):
        naming.fit_to_serve(wired, 3)

    mark = naming.give(wired, "champion", 3, why="the others leak", force=True)

    assert mark.forced
    assert [one.passed for one in mark.verdicts] == [True, False]
    naming.fit_to_serve(wired, 3)


def test_a_version_goes_by_many_names(wired):
    """And a wrong name says which there are."""
    naming.give(wired, "champion", 2, why="")

    words = ("2", "flights:2", "champion", "@champion", "flights@champion")
    assert {versions.number(wired, word) for word in words} == {2}
    assert versions.number(wired, None) is None
    for wrong in ("@champoin", "other@champion", "other:2"):
        with pytest.raises(NotFoundError):
            versions.number(wired, wrong)


def test_tags_are_given_changed_and_taken_away(wired):
    """The last word counts; what was never given cannot be taken away."""
    naming.tag(wired, "model", 1, {"stage": "staging", "team": "x"})
    naming.tag(wired, "model", 1, {"stage": "production", "team": ""})

    assert versions.marks(wired).tags("model", 1) == {"stage": "production"}
    assert versions.marks(wired).tags("run", 1) == {}
    with pytest.raises(NotFoundError):
        naming.tag(wired, "model", 1, {"team": ""})
    with pytest.raises(UsageError):
        naming.tag(wired, "model", 1, {"a b": "c"})


def test_lineage_leads_from_the_model_to_data_and_code(wired):
    """Through the step that wrote it."""
    naming.say(wired, "model", 2, "note", value="looks well")

    found = lineage(wired, wired.ledger.get(Model, 2))

    output, table, code, image = found.tree.made_of
    assert (output.kind, output.name, output.digest) == ("output", "train.model", address("a"))
    assert table.name == "train.table"
    assert [(one.kind, one.name, one.digest) for one in output.made_of] == [
        ("data", "rows", address("d"))
    ]
    assert (code.name, code.digest) == ("abc", address("c"))
    assert image.digest == address("e")
    assert [note.value for note in found.notes] == ["looks well"]
    assert json.loads(msgspec.json.encode(found))["run"]["id"] == "r1"


def test_runs_are_found_by_what_was_said_of_them(wired):
    """Tags are columns, and so are parents and the number of notes."""
    wired.ledger.save(a_run("r2"))
    naming.tag(wired, "run", "r2", {"team": "x y"})
    naming.say(wired, "run", "r2", "note", value="odd")
    naming.say(wired, "run", "r2", "parent", value="r1")
    runs, marks = wired.ledger.all(Run), versions.marks(wired)

    for text in ('tags.team = "x y"', "notes = 1", "parent = r1"):
        assert [run.id for run in select(runs, [condition(text)], marks=marks)] == ["r2"]
    assert [run.id for run in select(runs, [condition("tags.team != x")], marks=marks)] == [
        "r1",
        "r2",
    ]
