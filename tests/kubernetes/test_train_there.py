"""A project trains in a cluster as it does here: the same keys, the same bytes, the same record."""

import pytest
from job_world import job_world

from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.testing.engine_bench import until
from sealift.train.pulse import WHOLE
from train.train_project import Small

pytestmark = pytest.mark.engine

SLOW = """\
name = "small"
[steps.slow]
run = "echo begins; sleep 600"
code = []
writes = { a = "a" }
"""


@pytest.fixture
def world(tmp_path):
    """A cluster in memory whose node runs the containers."""
    with job_world(tmp_path / "world") as made:
        yield made


def project(world, name):
    """A project with the same store and image as the cluster's engine."""
    small = Small(world.folder.parent / name, world.engine(), world.image)
    small.store = world.store
    return small


def test_what_was_done_in_a_cluster_is_not_done_again_here(world):
    """And done here from the beginning, it gives the same bytes."""
    small = project(world, "there")
    there = small.run()
    small.engine = Bubblewrap(world.store, world.folder / "live")
    again = small.run()
    alone = project(world, "alone")
    alone.engine = Bubblewrap(world.store, world.folder / "live")
    here = alone.run()

    assert (there.machine.engine, here.machine.engine) == ("kubernetes", "bubblewrap")
    assert [one.status for one in there.steps] == ["done"] * 3
    assert {one.cached for one in again.steps} == {True}
    assert [one.key for one in there.steps] == [one.key for one in here.steps]
    assert [one.outputs for one in there.steps] == [one.outputs for one in here.steps]
    assert there.metrics == here.metrics == {"mae": 12.5}
    assert until(lambda: world.kinds() == [], 60.0)


def test_an_interrupted_run_leaves_no_job_behind(world):
    """Which would go on otherwise: its caller is gone, the cluster is not."""
    small = project(world, "there")
    small.text = SLOW

    def interrupt(name, _):
        if name == WHOLE:  # which is told once
            assert until(lambda: "Pod" in world.kinds(), 60.0)
            raise KeyboardInterrupt

    small.talk.step = interrupt
    with pytest.raises(KeyboardInterrupt):
        small.run()

    assert small.ledger.heads()[-1].status == "failed"
    with world.state.settled():
        jobs = [one for key, one in world.state.objects.items() if key.kind.name == "Job"]
        assert all("deletionTimestamp" in one["metadata"] for one in jobs)
