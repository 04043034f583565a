"""A project that may only be read is shown; what would change it is refused in a sentence."""

import sys
from dataclasses import dataclass

import pytest
from command import Command

from sealift.adapters.databases.sqlite import Sqlite
from sealift.adapters.engines.bwrap_program import locate
from sealift.testing.ledger_suite import model, release, run

BWRAP = locate()


@dataclass(frozen=True)
class Readonly(Command):
    """Runs ``sealift`` with the project's folder mounted read-only."""

    def words(self, *words):
        """The whole command line."""
        mounted = ["--dev-bind", "/", "/", "--ro-bind", self.folder, self.folder]
        return [BWRAP, *mounted, "--", sys.executable, "-m", "sealift", *words]


@pytest.fixture
def readonly(tiny):
    """The project of ``tiny`` with a run, a model and a release, on a read-only disk."""
    (tiny.folder / ".sealift").mkdir(mode=0o700)
    db = Sqlite(tiny.folder / ".sealift" / "ledger.db")
    for record in (run("20260101-000000-aaaaaa"), model(1), release("20260101-000001-bbbbbb")):
        db.save(record)
    db.close()
    return Readonly(tiny.folder)


@pytest.mark.parametrize(
    ("verb", "shown"),
    [
        ("status", "router"),
        ("runs", "20260101-000000-aaaaaa"),
        ("models", "sha256"),
        ("releases", "20260101-000001-bbbbbb"),
        ("watch", "serves"),
        ("data", "flights"),
    ],
)
def test_it_is_shown(readonly, verb, shown):
    """Everything that is only looked at, and nothing is left behind."""
    before = sorted(readonly.folder.rglob("*"))

    said = readonly(verb, "--json")

    assert (said.code, said.talk) == (0, "")
    assert shown in said.answer
    assert sorted(readonly.folder.rglob("*")) == before


@pytest.mark.parametrize("verb", ["up", "train", "package", "check", "rollback", "promote"])
def test_what_would_change_it_is_refused(readonly, verb):
    """In one sentence, with what to do, before anything is begun."""
    said = readonly(verb)

    assert said.code == 4
    assert "the project's folder cannot be written" in said.talk
    assert "copy the project to a folder of your own" in said.talk
    assert len(said.talk.splitlines()) == 3


def test_a_project_that_was_only_copied_there_is_shown(tiny):
    """Nothing was kept for it yet."""
    said = Readonly(tiny.folder)("runs")

    assert said.code == 0
    assert said.answer.startswith("no run yet")
    assert not (tiny.folder / ".sealift").exists()
