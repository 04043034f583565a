"""Steps that go on from where they were: after a failure, and after Sealift itself was killed."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from train_project import Small, in_bubblewrap, on_host, one

from sealift import clock, process
from sealift.adapters.caches.folder import Folder
from sealift.adapters.caches.team import TeamCache
from sealift.errors import StepError
from sealift.record.run import Run
from sealift.testing.engine import MemoryEngine
from sealift.testing.engine_bench import until
from sealift.train import work

WORKER = Path(__file__).with_name("train_worker.py")

TRAIN = """\
epoch=0 weight=1
[ -e $SEALIFT_CHECKPOINTS/last ] && read epoch weight < $SEALIFT_CHECKPOINTS/last
echo "from epoch $epoch"
while [ $epoch -lt 30 ]; do
    epoch=$((epoch + 1)) weight=$(((weight * 31 + epoch + SEALIFT_SEED) % 1000003))
    echo "$epoch $weight" > $SEALIFT_CHECKPOINTS/new
    mv $SEALIFT_CHECKPOINTS/new $SEALIFT_CHECKPOINTS/last
    PAUSE
done
mkdir out/model; echo $weight > out/model/weights
"""


def learning(small, pause):
    """The project, whose training writes a checkpoint every epoch."""
    small.write("train.sh", TRAIN.replace("PAUSE", pause))
    small.change("writes = { model", "checkpoints = true\nwrites = { model")
    return small


@pytest.fixture
def uninterrupted(tmp_path):
    """The weights of a training that nothing interrupts."""
    folder = tmp_path / "whole"
    folder.mkdir()
    small = learning(in_bubblewrap_of(folder), ":")
    return weights(small, small.run())


def in_bubblewrap_of(folder):
    """A new project with real containers."""
    folder.mkdir(exist_ok=True)
    Small(folder)
    return in_bubblewrap(folder)


def weights(small, run):
    """What the training came to."""
    return (small.output(run, "train.model") / "weights").read_text()


@pytest.mark.engine
def test_a_retry_goes_on_from_the_last_checkpoint(tmp_path, uninterrupted):
    """Its folder is clean, and its checkpoints are there."""
    small = learning(in_bubblewrap_of(tmp_path / "p"), "[ $epoch -eq 10 ] && exit 1 || :")
    small.change("checkpoints = true", "checkpoints = true\nretries = 1\nbackoff = 0")
    run = small.run()

    log = (small.root / one(run, "train").log).read_text()
    assert "from epoch 0" in log
    assert "from epoch 10" in log
    assert weights(small, run) == uninterrupted


@pytest.mark.engine
def test_a_killed_run_goes_on_and_comes_to_the_same(tmp_path, uninterrupted):
    """kill -9 of Sealift takes the container with it; what was written stays."""
    small = learning(in_bubblewrap_of(tmp_path / "p"), "sleep 0.1")
    small.write("sealift.toml", small.text)
    worker = process.spawn([sys.executable, WORKER, small.root], log=tmp_path / "worker")
    last = small.folders.checkpoints
    until(lambda: any(int(f.read_text().split()[0]) > 3 for f in last.glob("*/last")))
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    run = small.run()

    log = (small.root / one(run, "train").log).read_text()
    assert int(log.split("from epoch ")[1].split()[0]) > 3
    assert weights(small, run) == uninterrupted
    assert small.ledger.all(Run)[0].status == "failed"


def failing(small):
    """A run that fails in training after some epochs."""
    learning(small, "[ $epoch -eq 10 ] && exit 1 || :")
    small.engine = MemoryEngine(lambda spec: on_host(moved(spec)))


def moved(spec):
    """The same container, that finds its checkpoints where they lie on this machine."""
    for mount in spec.mounts:
        if mount.target == "/checkpoints":
            spec.env["SEALIFT_CHECKPOINTS"] = mount.source
    return spec


def test_checkpoints_belong_to_what_the_step_is_made_of(small):
    """Other parameters begin anew; when the step is done its checkpoints go."""
    failing(small)
    with pytest.raises(StepError, match="exit status 1"):
        small.run()
    kept = [path.name for path in small.folders.checkpoints.iterdir()]
    assert len(kept) == 1

    with pytest.raises(StepError, match="exit status 1"):
        small.run(depth=5)
    log = (small.root / one(small.ledger.all(Run)[-1], "train").log).read_text()
    assert "from epoch 0" in log
    assert len(list(small.folders.checkpoints.iterdir())) == 2

    run = small.run()
    assert "from epoch 10" in (small.root / one(run, "train").log).read_text()
    assert [path.name for path in small.folders.checkpoints.iterdir()] != kept
    assert len(list(small.folders.checkpoints.iterdir())) == 1


def test_checkpoints_that_nobody_goes_on_from_are_removed_in_the_end(small):
    """After thirty days without a change."""
    failing(small)
    with pytest.raises(StepError, match="exit status 1"):
        small.run()
    (folder,) = small.folders.checkpoints.iterdir()
    old = clock.now() - 31 * 86_400
    (folder / "fresh").touch()
    for path in (folder / "last", folder):
        os.utime(path, (old, old))

    with pytest.raises(StepError, match="exit status 1"):
        small.run(depth=7)
    assert folder.exists()

    for path in (folder / "fresh", folder):
        os.utime(path, (old, old))
    with pytest.raises(StepError, match="exit status 1"):
        small.run(depth=8)
    assert not folder.exists()


def test_a_step_without_checkpoints_has_no_folder_for_them(small):
    """It is not in its container, nor in its environment."""
    small.run()

    assert all("SEALIFT_CHECKPOINTS" not in spec.env for spec in small.engine.ran)
    assert all(mount.target != "/checkpoints" for s in small.engine.ran for mount in s.mounts)


def test_attempts_keep_a_growing_distance(small):
    """As long as was asked for, then twice that, and never more than an hour."""
    assert [work.pause(0.5, failed) for failed in (1, 2, 3)] == [0.5, 1.0, 2.0]
    small.write("train.sh", "exit 1\n")
    small.change("writes = { model", "retries = 2\nbackoff = 0.1\nwrites = { model")
    begun = clock.monotonic()
    with pytest.raises(StepError, match="exit status 1"):
        small.run()

    assert clock.monotonic() - begun >= 0.3
    assert one(small.ledger.all(Run)[-1], "train").attempts == 3


@pytest.mark.engine
def test_another_machine_goes_on_from_where_a_lost_one_was(tmp_path, uninterrupted):
    """It was killed and its disk is gone: what it kept with the team is enough."""
    shared = tmp_path / "shared"
    shared.mkdir()
    # who began anew stands still at an epoch, until it is killed
    still = "began=${began-$epoch}; [ $epoch -eq 20 ] && [ $began -eq 1 ] && sleep 600 || :"
    lost = learning(in_bubblewrap_of(tmp_path / "lost"), still)
    lost.change('name = "small"', 'name = "small"\n[cache]\ncheckpoints = 1')
    lost.write("sealift.toml", lost.text)
    words = [sys.executable, WORKER, lost.root, "", shared]
    worker = process.spawn(words, log=tmp_path / "worker")
    assert until(lambda: list(shared.glob("checkpoints/*/*.tar")), 60)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    shutil.rmtree(lost.root)

    other = learning(in_bubblewrap_of(tmp_path / "other"), still)
    other.change('name = "small"', 'name = "elsewhere"')
    other.cache = TeamCache(Folder(shared), other.store)
    run = other.run()

    log = (other.root / one(run, "train").log).read_text()
    assert int(log.split("from epoch ")[1].split()[0]) > 0
    assert "goes on from checkpoints of the team" in one(run, "train").because
    assert weights(other, run) == uninterrupted
    assert list(shared.glob("checkpoints/*")) == []


def test_what_a_killed_run_had_put_aside_is_removed(small):
    """Halves of what was on its way to the team, or from there; never what a step wrote."""
    place = small.folders.checkpoints
    for name in ("a.leaving", "a.arriving", "a"):
        (place / name / "inner").mkdir(parents=True)
    (place / ".tar-x").write_bytes(b"half")
    small.run()

    assert [path.name for path in place.iterdir()] == ["a"]
