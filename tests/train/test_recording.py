"""Scripts and notebooks record runs of their own."""

import os
import subprocess
import sys

import pytest

import sealift
from sealift.errors import DataError, ProjectError, UsageError
from sealift.folders import Folders
from sealift.record.run import Run
from sealift.train import opening, points
from sealift.train.again.reproduce import reproduce
from sealift.wiring import Wired

KILLED = """
import os, sealift
run = sealift.run("tune")
run.log_metric("loss", 0.5)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def root(tmp_path):
    """A project with nothing but a name and a file."""
    (tmp_path / "sealift.toml").write_text('name = "play"\n')
    (tmp_path / "tune.py").write_text("# the code\n")
    return tmp_path


def test_a_block_becomes_a_run_with_all_that_was_said_in_it(root):
    """Parameters, curves, outputs, code and packages; afterwards nothing is logged any more."""
    (root / "model.bin").write_text("weights")
    with sealift.run("tune", params={"depth": 6}, comment="to see", project=root) as going:
        sealift.log_metric("loss", 0.5, step=1)
        going.log_metric("loss", 0.25, step=2)
        going.log_params({"rate": 0.1})
        kept = going.log_artifact(root / "model.bin")
    wired = Wired(root)
    run = wired.ledger.get(Run, going.id)

    assert (run.status, run.comment, run.metrics) == ("done", "to see", {"loss": 0.25})
    assert run.params == {"tune": {"depth": 6, "rate": 0.1}}
    assert run.steps[0].outputs == {"model.bin": kept}
    assert run.packages["numpy"]
    assert (wired.store.tree(run.code.digest) / "tune.py").read_text() == "# the code\n"
    curve = points.read(points.beside(root / run.steps[0].log))
    assert curve == {"loss": {1: 0.5, 2: 0.25}}
    assert "SEALIFT_METRICS" not in os.environ
    with pytest.raises(UsageError, match="has ended"):
        going.log_metric("loss", 0.1)


def test_an_error_in_the_block_is_what_the_run_failed_of(root):
    """By its kind and its words; the error goes on to whoever is outside."""
    with pytest.raises(ZeroDivisionError), sealift.run(project=root) as going:
        going.log_metric("loss", 1 / 0)
    run = Wired(root).ledger.get(Run, going.id)

    assert (run.status, run.error) == ("failed", "ZeroDivisionError: division by zero")


def test_what_cannot_be_recorded_is_refused(root, tmp_path_factory):
    """No project, a second run at once, a parameter that is no value, a file that is not there."""
    with pytest.raises(ProjectError):
        sealift.run(project=tmp_path_factory.mktemp("empty"))
    with pytest.raises(UsageError, match="cannot name"):
        sealift.run("No Good", project=root)
    with sealift.run(project=root) as going:
        with pytest.raises(UsageError, match=r"still goes on"):
            sealift.run(project=root)
        with pytest.raises(UsageError, match="'model'"):
            going.log_param("model", object())
        with pytest.raises(DataError, match="nothing to keep"):
            going.log_artifact(root / "absent")


def test_a_run_is_marked_as_dead_only_once_its_program_is(root):
    """A training that begins meanwhile leaves a notebook's run alone."""
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=root, check=False)
    ledger = Wired(root).ledger
    with sealift.run("alive", project=root) as going:
        opening.tidy(ledger, Folders(root))
        runs = {run.params and next(iter(run.params)): run for run in ledger.all(Run)}

        assert killed.returncode == -9
        assert runs["tune"].status == "failed"
        assert "ended before" in runs["tune"].error
        assert runs["alive"].status == "running"
    assert ledger.get(Run, going.id).status == "done"


def test_such_a_run_cannot_be_run_again(root):
    """There is no container that it ran in; that is said, not tried."""
    with sealift.run(project=root) as going:
        pass
    run = Wired(root).ledger.get(Run, going.id)
    with pytest.raises(UsageError, match="outside of any container"):
        reproduce(run, bench=Wired(root), steps=(), tolerances={}, progress=None)
