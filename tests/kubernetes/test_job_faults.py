"""Steps in a cluster outlive whoever asked for them, and what a cluster does to them."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from job_world import PYTHON, job_world

from sealift import process
from sealift.errors import ClusterError, StepError
from sealift.kubernetes.kinds import JOB, POD
from sealift.kubernetes.porter import key
from sealift.record.container import ContainerSpec, Mount
from sealift.testing.cluster import Key
from sealift.testing.engine_bench import until

pytestmark = pytest.mark.engine

COUNT = """
n=0; [ -e /checkpoints/n ] && read n < /checkpoints/n; echo begins at $n
while [ $n -lt 3 ]; do
  n=$((n + 1)); echo $n > /checkpoints/new; mv /checkpoints/new /checkpoints/n; echo now $n
  while [ $n -eq 2 ] && [ ! -e /gate/open ]; do sleep 0.05; done
done
mkdir -p out; echo $n > out/total
"""
HELD = "sealift.test/held"
"""A finalizer that the cluster never takes away: what has it stays when it is told to go."""
REFUSES = 'admission webhook "x" denied the request: no Jobs here'


@pytest.fixture
def world(tmp_path):
    """A cluster in memory whose node runs the containers."""
    with job_world(tmp_path / "world") as made:
        yield made


def spec(world, script, **changes):
    """A step that works in a folder of its own."""
    project = world.folder / "project"
    project.mkdir(parents=True, exist_ok=True)
    known = {
        "name": "step",
        "image": world.image,
        "argv": ("/bin/sh", "-ec", script),
        "workdir": "/project",
        "mounts": (Mount(source=str(project), target="/project", writable=True),),
        "labels": {"sealift.step": "count", "sealift.key": "sha256:1"},
        "log": str(world.folder / "log"),
    }
    return ContainerSpec(**(known | changes))


def checkpointed(world):
    """A step that waits at 2 until the file ``open`` is in its mounted gate."""
    kept, gate = world.folder / "kept", world.folder / "gate"
    for folder in (kept, gate):
        folder.mkdir(parents=True, exist_ok=True)
    plain = spec(world, COUNT)
    more = (
        Mount(source=str(kept), target="/checkpoints", writable=True, lasting=True),
        Mount(source=str(gate), target="/gate", writable=True, lasting=True),
    )
    return spec(world, COUNT, mounts=(*plain.mounts, *more), wanted=("/project/out",))


def said(world):
    """What the step said so far."""
    log = world.folder / "log"
    return log.read_text().splitlines() if log.exists() else []


def open_gate(world):
    """Let the step go on: on its claim, where a pod sees it."""
    (found,) = (world.folder.parent / "node" / "claims").glob(f"*/{key('/gate')}")
    (found / "open").touch()


def total(world):
    """What the step wrote."""
    return (world.folder / "project" / "out" / "total").read_text()


def name(world):
    """The step's Job."""
    with world.state.settled():
        return next(each.name for each in world.state.objects if each.kind == JOB)


def pods(world):
    """The keys of all pods."""
    with world.state.settled():
        return [each for each in world.state.objects if each.kind == POD]


def interrupted(world, interrupt):
    """Run a step with checkpoints, which waits at 2, and do something to it; how it ended."""
    wanted = checkpointed(world)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(world.engine().run, wanted)
        assert until(lambda: "now 2" in said(world) or running.done(), 60.0)
        interrupt()
        return running.result(60)


def test_a_step_whose_node_is_drained_goes_on_from_its_checkpoint(world):
    """In another pod of the same Job; nothing of it is left afterwards."""
    before = []

    def drain():
        before.append(name(world))
        world.workers.evict(name(world))

    ended = interrupted(world, drain)

    assert ended.status == 0
    assert said(world) == ["begins at 0", "now 1", "now 2", "begins at 2", "now 3"]
    assert total(world) == "3\n"
    assert until(lambda: world.kinds() == [], 60.0)


def test_a_step_whose_pod_is_removed_goes_on_from_its_checkpoint(world):
    """By somebody's hand, which a cluster takes for a failure of the Job."""
    ended = interrupted(world, lambda: world.state.delete(pods(world)[0]))

    assert ended.status == 0
    assert said(world)[-2:] == ["begins at 2", "now 3"]
    assert any("taken away" in one for one in world.told.lines)
    assert until(lambda: world.kinds() == [], 60.0)


def test_a_killed_caller_finds_its_step_again(world):
    """With all that it said, and what it wrote; the cluster ran it once."""
    wanted = checkpointed(world)
    caller = process.spawn(
        [sys.executable, "-c", CALLER.format(world=world, spec=as_text(wanted), python=PYTHON)],
        log=world.folder / "caller.log",
    )
    assert until(lambda: "now 2" in said(world) or caller.poll() is not None, 60.0)
    assert caller.poll() is None, (world.folder / "caller.log").read_text()
    caller.kill()
    caller.wait()
    open_gate(world)
    (world.folder / "log").unlink()
    ended = world.engine().run(wanted)

    assert ended.status == 0
    assert said(world) == ["begins at 0", "now 1", "now 2", "now 3"]
    assert total(world) == "3\n"
    assert until(lambda: world.kinds() == [], 60.0)


CALLER = """
import msgspec
from pathlib import Path
from sealift.adapters.clusters.kubernetes import KubernetesCluster
from sealift.adapters.engines.kubernetes import KubernetesJobs
from sealift.adapters.engines.kubernetes_image import Images
from sealift.adapters.registries.session import Access
from sealift.adapters.stores.layout import Layout
from sealift.kubernetes.objects import Place
from sealift.network.network import Network
from sealift.record.container import ContainerSpec
from sealift.record.environment import EnvironmentSettings
class Mute:
    step = say = lambda *_: None
folder = Path("{world.folder}")
store = Layout(folder / "layout", folder / "unpacked")
images = Images(store, "{world.registry.host}/team/steps", {world.image!r}, Access())
where = Place(name="test", settings=EnvironmentSettings(engine="kubernetes", namespace="models"))
with KubernetesCluster("test", Network()) as cluster:
    engine = KubernetesJobs(cluster, where, store, images, Mute(), python={python!r})
    engine.run(msgspec.json.decode({spec!r}, type=ContainerSpec))
"""


def as_text(wanted):
    """A container as text for another process."""
    return msgspec.json.encode(wanted).decode()


def test_a_step_that_ended_while_nobody_looked_is_taken_as_it_ended(world):
    """Its failure too: it is not begun again."""
    wanted = spec(world, "echo once; exit 7")
    world.engine().start(wanted)
    job = Key(JOB, "models", name(world))
    assert until(lambda: world.state.objects[job].get("status", {}).get("conditions"), 60.0)
    ended = world.engine().run(wanted)

    assert (ended.status, said(world)) == (7, ["once"])
    assert until(lambda: world.kinds() == [], 60.0)


def test_a_log_that_breaks_off_is_brought_line_by_line_once(world):
    """However often, and although a cluster gives lines by the second."""
    world.state.faults.cut_logs = [1, 2]
    world.engine().run(spec(world, "for n in 1 2 3 4 5 6 7; do echo $n; echo $n; done"))

    assert said(world) == [str(n) for n in range(1, 8) for _ in range(2)]


@pytest.mark.parametrize(
    ("fate", "words", "remedy"),
    [
        ("unschedulable", "No node has room for the step", "cpus"),
        ("quota", "quota of the namespace leaves no room", "raised"),
        ("security", "refuses the step's pod .Pod Security", "rule"),
    ],
)
def test_what_keeps_a_step_from_running_is_said(world, fate, words, remedy):
    """And nothing of it stays there."""
    world.workers.become(fate)
    with pytest.raises(StepError, match=words) as caught:
        world.engine(patience=0).run(spec(world, "exit"))

    assert remedy in caught.value.remedy
    assert until(lambda: world.kinds() == [], 60.0)


def test_an_image_that_cannot_be_pulled_is_said(world):
    """By its name."""
    world.workers.node.pull = refused
    with pytest.raises(StepError, match=r"cannot pull the image.*no such image"):
        world.engine().run(spec(world, "exit"))
    assert until(lambda: world.kinds() == [], 60.0)


def refused(image):
    """A pull that fails."""
    raise ClusterError("no such image", where=image)


@pytest.mark.parametrize("way", ["run", "start"])
def test_a_rule_that_refuses_the_job_is_said(world, way):
    """In the words of the rule; and nothing of the step stays, its secrets least of all."""
    world.state.faults.denied["Job"] = REFUSES
    with pytest.raises(ClusterError, match="no Jobs here"):
        getattr(world.engine(), way)(spec(world, "exit", secrets={"TOKEN": "hush-hush"}))

    assert world.kinds() == []


def test_a_rule_that_refuses_the_job_leaves_the_checkpoints_of_an_earlier_attempt(world):
    """For when the rule has been changed."""
    wanted = checkpointed(world)
    world.engine().run(spec(world, "echo 5 > /checkpoints/n; exit 1", mounts=wanted.mounts))
    world.state.faults.denied["Job"] = REFUSES
    with pytest.raises(ClusterError, match="no Jobs here"):
        world.engine().run(wanted)

    assert until(lambda: world.kinds() == ["PersistentVolumeClaim"], 60.0)


def test_a_rule_that_refuses_a_job_harms_none_that_runs(world):
    """The same step, begun before there was the rule."""
    begun = world.engine().start(spec(world, "sleep 60"))
    world.state.faults.denied["Job"] = REFUSES
    with pytest.raises(ClusterError, match="no Jobs here"):
        world.engine().start(spec(world, "sleep 60"))

    assert [(one.id, one.running) for one in world.engine().find({})] == [(begun.id, True)]


def test_a_cluster_that_is_busy_is_borne(world):
    """Too many requests, and an API that starts again."""
    world.state.faults.unavailable = [429, 503]
    assert world.engine().run(spec(world, "exit 3")).status == 3
    assert any("Trying again" in one for one in world.told.lines)


def test_a_job_that_somebody_removes_ends_its_step(world):
    """Which is said; it is not begun again behind his back."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(world.engine().run, checkpointed(world))
        assert until(lambda: "now 2" in said(world) or running.done(), 60.0)
        (one,) = world.engine().find({"sealift.key": "sha256:1"})
        world.engine().stop(one, grace=1.0)
        with pytest.raises(StepError, match="was removed"):
            running.result(60)

    assert until(lambda: world.kinds() == ["PersistentVolumeClaim"], 60.0)


@pytest.mark.parametrize("script", ["exit 0", "exit 7"])
def test_a_step_that_ended_is_not_found_while_its_job_is_being_removed(world, script):
    """However long a cluster takes for that: nobody has to look after it any more."""
    world.state.faults.finalizers["Job"] = [HELD]
    world.engine().run(spec(world, script, wanted=()))

    assert "Job" in world.kinds()
    assert world.engine().find({}) == []


def test_a_step_that_was_stopped_is_found_running_until_its_end_is_noted(world):
    """Its program gets time to end, in which it is not taken for one that has ended."""
    world.state.faults.finalizers["Job"] = [HELD]
    stopped = world.engine().start(spec(world, "sleep 60"))
    world.engine().stop(stopped, grace=1.0)
    (found,) = world.engine().find({"sealift.key": "sha256:1"})
    world.state.finalize(Key(JOB, "models", name(world)), HELD)

    assert (found.id, found.running) == (stopped.id, True)
    assert until(lambda: world.engine().find({}) == [], 60.0)


def test_a_failed_attempt_leaves_its_checkpoints_for_the_next(world):
    """And nothing else."""
    wanted = checkpointed(world)
    failing = spec(world, "echo 5 > /checkpoints/n; exit 1", mounts=wanted.mounts)
    first = world.engine().run(failing)
    kept = ["PersistentVolumeClaim"]
    assert until(lambda: world.kinds() == kept, 60.0)
    second = world.engine().run(
        spec(world, "mkdir out; cat /checkpoints/n > out/total", mounts=wanted.mounts)
    )

    assert (first.status, second.status) == (1, 0)
    assert total(world) == "5\n"
    assert until(lambda: world.kinds() == [], 60.0)


def test_a_step_that_needs_too_much_memory_says_so(world):
    """Not only that it was killed."""
    world.workers.node.hogs.add("step")
    ended = world.engine().run(spec(world, "exit 137"))

    assert (ended.status, ended.out_of_memory) == (137, True)


def test_a_secret_is_in_the_secret_alone(world):
    """No other object holds it, nor does the registry."""
    seen = []
    world.state.faults.finalizers["Secret"] = [HELD]
    world.engine().run(spec(world, "echo $TOKEN", secrets={"TOKEN": "hush-hush"}))
    with world.state.settled():
        seen = [
            each.kind.name
            for each, one in world.state.objects.items()
            if "hush-hush" in json.dumps(one)
        ]

    assert said(world) == ["hush-hush"]
    assert seen == []
    assert all(b"hush-hush" not in one for one in world.registry.blobs.values())
