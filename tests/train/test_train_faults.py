"""Real containers, and what is left when Sealift is killed, interrupted or out of space."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace
from train_project import Small, in_bubblewrap, on_host, one

from sealift import process
from sealift.errors import MachineError
from sealift.record.run import Run
from sealift.testing.engine import EVERYTHING, MemoryEngine
from sealift.testing.engine_bench import processes, unique, until
from sealift.train.pulse import WHOLE

WORKER = Path(__file__).with_name("train_worker.py")


@pytest.fixture
def real(tmp_path):
    """The project with real containers."""
    Small(tmp_path)
    return in_bubblewrap(tmp_path)


def start(small, *more):
    """The project's run in another process."""
    small.write("sealift.toml", small.text)
    words = [sys.executable, WORKER, small.root, *more]
    return process.spawn(words, log=small.root.parent / f"{small.root.name}.worker")


def said(small):
    """What the other process wrote."""
    return (small.root.parent / f"{small.root.name}.worker").read_text()


def scratch(small):
    """Folders of steps and copies of code that are left."""
    return [*small.folders.runs.glob("*/*/project"), *small.folders.runs.glob("*/.code")]


@pytest.mark.engine
def test_the_steps_run_in_real_containers(real):
    """Their folder is writable, their inputs are not, and what they wrote is handed on."""
    real.write(
        "train.sh",
        "mkdir out/model; id -u > out/model/weights; cat out/table.csv >> out/model/weights\n"
        "(echo x >> out/table.csv) 2> out/model/refused || echo $PWD >> out/model/weights\n"
        "(echo x > /elsewhere) 2> /dev/null || echo $SEALIFT_SEED >> out/model/weights\n",
    )
    run = real.run()

    model = real.output(run, "train.model")
    assert (model / "weights").read_text() == "65532\nid\n1\n2\n/project\n7\n"
    assert "out/table.csv" in (model / "refused").read_text()
    assert run.metrics == {"mae": 12.5}
    assert run.machine.engine == "bubblewrap"
    assert all(step.cached for step in real.run().steps)
    assert scratch(real) == []


@pytest.mark.engine
def test_a_folder_of_data_is_seen_file_by_file_or_whole(real):
    """At the same paths as in the project; absolute paths outside of it too."""
    outside = real.root.parent / f"{real.root.name}-lake"
    outside.mkdir()
    (outside / "far.csv").write_text("far\n")
    for name in ("data/x/a.csv", "data/x/y/b.csv", "data/x/.hidden", "whole/c.csv", "whole/d.csv"):
        real.write(name, f"{name}\n")
    real.text = (
        f'name = "n"\n[data.x]\nuri = "data/**/*.csv"\n[data.w]\nuri = "whole"\n'
        f'[data.far]\nuri = "{outside}"\n'
        '[steps.a]\ncode = []\nrun = "cat data/x/a.csv data/x/y/b.csv data/rows.csv whole/*.csv '
        f'{outside}/far.csv > out.txt; ls -A data/x > ls.txt; (echo x >> whole/c.csv) || true"\n'
        'reads = ["data.x", "data.w", "data.far"]\nwrites = { out = "out.txt", ls = "ls.txt" }\n'
    )
    run = real.run()

    assert real.output(run, "a.out").read_text() == (
        "data/x/a.csv\ndata/x/y/b.csv\nid\n1\n2\nwhole/c.csv\nwhole/d.csv\nfar\n"
    )
    assert real.output(run, "a.ls").read_text() == "a.csv\ny\n"
    assert (real.root / "whole" / "c.csv").read_text() == "whole/c.csv\n"


@pytest.mark.engine
def test_a_killed_run_is_continued_where_it_was(real):
    """Its container dies with it; the record says what happened, the cache has what was done."""
    seconds, good = unique(), (real.root / "train.sh").read_text()
    real.write("train.sh", f"sleep {seconds}\n")
    worker = start(real)
    assert until(lambda: processes(seconds)), said(real)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    assert until(lambda: not processes(seconds))
    (dead,) = real.ledger.all(Run)
    assert (dead.status, [step.name for step in dead.steps]) == ("running", ["prepare"])
    real.write("train.sh", good)
    run = real.run()

    assert [step.cached for step in run.steps] == [True, False, False]
    dead = real.ledger.get(Run, dead.id)
    assert dead.status == "failed"
    assert dead.error == "Sealift ended before this run did."
    assert scratch(real) == []


@pytest.mark.engine
def test_an_interrupted_run_ends_its_containers_and_says_so(real):
    """Ctrl-C leaves a record, and neither processes nor folders."""
    seconds = unique()
    real.write("train.sh", f"sleep {seconds}\n")
    worker = start(real)
    assert until(lambda: processes(seconds)), said(real)
    os.kill(worker.pid, signal.SIGINT)

    assert process.wait(worker, 20.0) not in (None, 0)
    assert not processes(seconds)
    (run,) = real.ledger.all(Run)
    assert (run.status, run.error) == ("failed", "Interrupted.")
    assert one(run, "prepare").status == "done"
    assert one(run, "train").status == "failed"
    assert run.finished is not None
    assert scratch(real) == []


class Late(MemoryEngine):
    """On another machine, where a container is there only once somebody has looked for it."""

    def __init__(self):
        super().__init__(self.begin, guarantees=replace(EVERYTHING, elsewhere=True))
        self.looked, self.stopped = threading.Event(), []

    def begin(self, spec):
        """Start a container; it ends when it is stopped."""
        assert self.looked.wait(60)
        begun = self.start(spec)
        self.stopped.append(until(lambda: begun.id not in self.containers))
        return 143

    def find(self, labels):
        """Look, and let it begin."""
        found = super().find(labels)
        self.looked.set()
        return found


def test_an_interrupted_run_ends_what_begins_elsewhere_after_it(tmp_path):
    """The inputs of a step were still on their way there when Ctrl-C came."""
    small = Small(tmp_path, Late())

    def interrupt(name, _):
        if name == WHOLE:
            raise KeyboardInterrupt

    small.talk.step = interrupt
    with pytest.raises(KeyboardInterrupt):
        small.run()

    assert small.engine.stopped == [True]
    assert small.ledger.all(Run)[-1].status == "failed"


@pytest.mark.engine
def test_two_trainings_at_once_are_told_apart(real):
    """The second is refused with the name of what holds the lock, and harms nothing."""
    seconds = unique()
    real.write("train.sh", f"sleep {seconds}\n")
    first = start(real)
    assert until(lambda: processes(seconds)), said(real)
    second = start(real)

    assert process.wait(second, 20.0) == 1
    assert f"UsageError: Another train is running (pid {first.pid})" in said(real)
    assert processes(seconds)
    os.kill(first.pid, signal.SIGINT)
    assert process.wait(first, 20.0) is not None
    assert len(real.ledger.all(Run)) == 1


def test_a_store_that_cannot_grow_fails_the_step_and_leaves_a_record(tmp_path):
    """The step ended well; that its output could not be kept is said with what to do."""
    small = Small(tmp_path)
    small.write(
        "train.sh",
        "mkdir out/model; for n in 1 2 3 4 5 6 7 8 9; do\n"
        "head -c 100000 /dev/zero > out/model/$n; done; echo x > out/model/weights\n",
    )
    worker = start(small, str(600_000))

    assert process.wait(worker, 30.0) == 1
    assert "MachineError: The store cannot be written: File too large" in said(small)
    (run,) = small.ledger.all(Run)
    assert [step.status for step in run.steps] == ["done", "failed", "skipped"]
    assert run.status == "failed"
    assert "cannot be written" in run.error
    assert small.run().status == "done"


def test_a_step_that_fills_the_disk_fails_with_its_own_words(tmp_path):
    """The log says what the program said, and the record is kept."""
    small = Small(tmp_path)
    small.write("train.sh", "mkdir out/model; head -c 900000 /dev/zero > out/model/x || exit 9\n")
    worker = start(small, str(600_000))

    assert process.wait(worker, 30.0) == 1
    assert "StepError: Step 'train' ended with exit status 9" in said(small)
    assert small.ledger.all(Run)[-1].status == "failed"


def test_code_that_cannot_be_copied_is_told_before_anything_runs(tmp_path):
    """No record is made, and nothing is left behind."""
    small = Small(tmp_path)
    small.write("train.sh", "#" * 900_000)
    worker = start(small, str(600_000))

    assert process.wait(worker, 30.0) == 1
    assert "MachineError: The code cannot be copied: File too large" in said(small)
    assert small.ledger.all(Run) == []
    assert scratch(small) == []


def test_a_ledger_that_fails_ends_the_run_with_its_error(tmp_path):
    """Steps at work are waited for or stopped; nothing hangs."""
    small = Small(tmp_path)
    add, added = small.ledger.add_steps, []

    def failing(run, steps):
        added.append(steps)
        if len(added) == 1:
            raise MachineError("The disk is full.")
        add(run, steps)

    small.ledger.add_steps = failing
    with pytest.raises(MachineError, match="disk is full"):
        small.run()

    assert small.ledger.all(Run)[-1].status == "failed"
    assert small.ledger.all(Run)[-1].error == "The disk is full."


def test_a_folder_that_a_step_made_unreadable_is_removed_all_the_same(tmp_path):
    """Modes that a step chose do not keep its folder alive."""
    small = Small(tmp_path)
    small.write(
        "train.sh",
        "mkdir -p out/model closed/inner; echo x > out/model/weights; touch closed/inner/f\n"
        "chmod 0 closed/inner; chmod 500 closed\n",
    )
    small.run()

    assert scratch(small) == []


def test_an_error_of_the_engine_is_the_error_of_the_step(tmp_path):
    """Foreseen trouble of the machine is told as such, and recorded."""

    def fault(effect, name):
        if effect == "run" and "train" in name:
            raise MachineError("There is no engine.")

    small = Small(tmp_path, MemoryEngine(on_host, fault=fault))
    with pytest.raises(MachineError, match="no engine"):
        small.run()

    run = small.ledger.all(Run)[-1]
    assert one(run, "train").error == "There is no engine."
    assert one(run, "evaluate").status == "skipped"


def test_an_error_that_nobody_foresaw_leaves_a_record_too(tmp_path):
    """It comes out as it is."""

    def broken(spec):
        raise ZeroDivisionError(spec.name)

    small = Small(tmp_path, MemoryEngine(broken))
    with pytest.raises(ZeroDivisionError):
        small.run()

    assert small.ledger.all(Run)[-1].status == "failed"
