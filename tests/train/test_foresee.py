"""What a run would do, said before it does it."""

import msgspec
import pytest
from train_foreseen import ahead

from sealift.errors import DataError, UsageError
from sealift.record.run import Run


def actions(small, **params):
    """The actions alone."""
    return {name: one.action for name, one in ahead(small, **params).items()}


def test_before_the_first_run_everything_runs_or_waits(small):
    """The first step has all that it needs."""
    assert actions(small) == {"prepare": "runs", "train": "waits", "evaluate": "waits"}
    assert ahead(small)["prepare"].because == "prepare runs for the first time."
    assert ahead(small)["train"].because == "train waits for prepare."


def test_after_a_run_nothing_would_run(small):
    """Each key is the one that the run recorded."""
    run = small.run()

    assert actions(small) == dict.fromkeys(("prepare", "train", "evaluate"), "cached")
    assert {name: one.key for name, one in ahead(small).items()} == {
        s.name: s.key for s in run.steps
    }


def test_it_says_what_changed(small):
    """The part of the key, and what waits for that step."""
    small.run()

    found = ahead(small, depth=5)
    assert found["train"].action == "runs"
    assert found["train"].because == "train runs again: its parameter depth went from 2 to 5."
    assert found["train"].command == "sh train.sh 5"
    assert (found["prepare"].action, found["evaluate"].action) == ("cached", "waits")
    small.write("prepare.sh", "cat data/rows.csv > out/table.csv; :\n")
    assert ahead(small)["prepare"].because == "prepare runs again: its code changed."


def test_what_it_says_is_what_happens(small):
    """For each of several changes, the steps that it said run do run."""
    small.run()
    for change in (
        lambda: small.write("train.sh", "mkdir out/model; echo 2 > out/model/weights\n"),
        lambda: small.write("data/rows.csv", "id\n9\n"),
        lambda: small.change("mae = 12.5", "mae = 3.5"),
    ):
        change()
        said = actions(small)
        run = small.run()
        for step in run.steps:
            if said[step.name] != "waits":
                assert step.cached == (said[step.name] == "cached")


def test_looking_ahead_changes_nothing(small):
    """No run is recorded, no container started, no copy left."""
    ahead(small)

    assert small.ledger.all(Run) == []
    assert small.engine.ran == []
    assert list(small.folders.runs.iterdir()) == []


def test_a_run_under_way_is_left_alone(small):
    """Its record still says that it is running."""
    run = small.run()
    small.ledger.save(msgspec.structs.replace(run, status="running"))
    ahead(small)

    assert small.ledger.get(Run, run.id).status == "running"


def test_what_a_run_would_refuse_is_refused(small):
    """Before anything else."""
    with pytest.raises(UsageError, match="No step has a parameter"):
        ahead(small, dpeth=3)
    (small.root / "data/rows.csv").unlink()
    with pytest.raises(DataError):
        ahead(small)


def test_outputs_that_are_gone_are_made_again(small):
    """The cache knows them, the store does not."""
    run = small.run()
    lost = next(step for step in run.steps if step.name == "train").outputs["model"]
    (small.store.root / "blobs" / "sha256" / lost[7:]).unlink()

    assert actions(small)["train"] == "runs"
    assert "last outputs are not there" in ahead(small)["train"].because
