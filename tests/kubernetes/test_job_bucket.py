"""Steps in a cluster whose inputs, outputs and checkpoints go by a bucket."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from job_world import KEYS, job_world

from sealift.errors import MachineError, StepError
from sealift.kubernetes.kinds import JOB
from sealift.record.container import ContainerSpec, Mount
from sealift.testing.engine_bench import until

pytestmark = pytest.mark.engine

COUNT = """
n=0; [ -e /checkpoints/n ] && read n < /checkpoints/n; echo begins at $n
while [ $n -lt 3 ]; do
  n=$((n + 1)); echo $n > /checkpoints/new; mv /checkpoints/new /checkpoints/n; echo now $n
  while [ $n -eq 2 ]; do sleep 0.05; done
done
mkdir -p out; echo $n > out/total
"""
NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def world(tmp_path):
    """A cluster in memory whose node runs the containers, with the bucket's keys in a Secret."""
    with job_world(tmp_path / "world") as made:
        made.secret("bucket", {name: KEYS[name] for name in NAMES})
        yield made


@pytest.fixture
def store(object_server):
    """The settings of a bucket that no other test has."""
    return {
        "bucket": f"s3://team/{secrets.token_hex(8)}",
        "endpoint": object_server.environment["AWS_ENDPOINT_URL"],
        "secret": "bucket",
        "every": 1,
    }


def spec(world, script, **changes):
    """A step that works in a folder of its own, with what it wrote before."""
    project, kept = world.folder / "project", world.folder / "kept"
    for folder in (project, kept):
        folder.mkdir(parents=True, exist_ok=True)
    known = {
        "name": "step",
        "image": world.image,
        "argv": ("/bin/sh", "-ec", script),
        "workdir": "/project",
        "mounts": (
            Mount(source=str(project), target="/project", writable=True),
            Mount(source=str(kept), target="/checkpoints", writable=True, lasting=True),
        ),
        "wanted": ("/project/out",),
        "labels": {"sealift.step": "count", "sealift.key": "sha256:1"},
        "log": str(world.folder / "log"),
    }
    return ContainerSpec(**(known | changes))


def said(world):
    """What the step said so far."""
    log = world.folder / "log"
    return log.read_text().splitlines() if log.exists() else []


def kept(world, store):
    """What of steps at work is in the bucket."""
    found = world.bucket(store)
    return found.names("checkpoints")


def test_inputs_and_outputs_go_by_the_bucket(world, store):
    """Without a claim; the step finds its folder writable, its inputs not, and no keys."""
    data = world.folder / "data"
    data.mkdir(parents=True)
    (data / "rows").write_text("1,2\n")
    wanted = spec(
        world,
        "echo more >> code; mkdir -p out; cat code data/rows > out/all; touch data/rows || true;"
        'echo "[$AWS_ACCESS_KEY_ID$AWS_SECRET_ACCESS_KEY]"',
    )
    (world.folder / "project" / "code").write_text("code\n")
    (world.folder / "project" / "data").mkdir()
    more = Mount(source=str(data), target="/project/data")
    world.state.faults.finalizers["Job"] = ["sealift.test/held"]
    ended = world.engine(store=store).run(
        ContainerSpec(**{**as_fields(wanted), "mounts": (*wanted.mounts, more)})
    )

    assert ended.status == 0
    assert (world.folder / "project" / "out" / "all").read_text() == "code\nmore\n1,2\n"
    assert said(world)[-1] == "[]"
    with world.state.settled():
        held = [json.dumps(one) for key, one in world.state.objects.items() if key.kind == JOB]
        assert held
        assert not any("word" in one.replace("words", "") for one in held)
    assert "PersistentVolumeClaim" not in world.kinds()
    assert any(name.startswith("blobs/sha256/") for name in world.bucket(store).names(""))


def as_fields(one):
    """The fields of a record."""
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_a_drained_step_goes_on_from_what_the_bucket_keeps(world, store):
    """On another node, which never saw its folders; when it is done, nothing is kept."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(world.engine(store=store).run, spec(world, COUNT))
        assert until(lambda: "now 2" in said(world) or running.done(), 60.0)
        assert until(lambda: kept(world, store), 60.0)
        with world.state.settled():
            name = next(key.name for key in world.state.objects if key.kind == JOB)
        world.workers.evict(name)
        ended = running.result(60)

    assert ended.status == 0
    assert said(world) == ["begins at 0", "now 1", "now 2", "begins at 2", "now 3"]
    assert (world.folder / "project" / "out" / "total").read_text() == "3\n"
    assert kept(world, store) == []
    assert until(lambda: world.kinds() == ["Secret"], 60.0)


def test_checkpoints_may_stay_on_a_claim(world, store):
    """With all else in the bucket; the claim of a step that failed stays for the next attempt."""
    engine = world.engine(store={**store, "checkpoints": "claim"})
    first = engine.run(spec(world, "echo 5 > /checkpoints/n; exit 1"))
    assert until(lambda: world.kinds() == ["PersistentVolumeClaim", "Secret"], 60.0)
    second = engine.run(spec(world, "mkdir out; cat /checkpoints/n > out/total"))

    assert (first.status, second.status) == (1, 0)
    assert (world.folder / "project" / "out" / "total").read_text() == "5\n"
    assert kept(world, store) == []


def test_keys_that_do_not_fit_are_said_before_the_step_runs(world, store):
    """Those of the Secret, which the pods use; in words of the bucket, without the keys."""
    world.secret("wrong", {NAMES[0]: "nobody", NAMES[1]: "hush-hush"})
    with pytest.raises(StepError, match="does not know the access key") as caught:
        world.engine(store={**store, "secret": "wrong"}).run(spec(world, "echo never"))

    assert "could not be laid out" in caught.value.what
    assert "hush-hush" not in str(caught.value) + "".join(world.told.lines)
    assert said(world) == []


def test_a_bucket_that_this_machine_does_not_reach_is_said_at_once(world, store):
    """Before anything is made in the cluster."""
    away = {**store, "endpoint": "http://127.0.0.1:1"}
    with pytest.raises(MachineError, match=r"nothing answers at http://127\.0\.0\.1:1"):
        world.engine(store=away).run(spec(world, "echo never"))

    assert world.kinds() == ["Secret"]


def test_points_are_here_while_the_step_runs(world, store):
    """By the log of what stands beside it, in either kind of store."""
    for number, settings in enumerate(({}, store)):
        points = world.folder / f"points{number}"
        points.mkdir(parents=True)
        (points / "points.jsonl").write_text('{"attempt":1}\n')
        log = 'echo "{\\"step\\":1,\\"loss\\":2}" >> /metrics/points.jsonl;'
        mounts = (
            *spec(world, "").mounts,
            Mount(source=str(points), target="/metrics", writable=True, lasting=True),
        )
        wanted = spec(
            world,
            f"{log} while [ ! -e /checkpoints/go ]; do sleep 0.05; done; mkdir -p out",
            mounts=mounts,
            live="/metrics/points.jsonl",
            labels={"sealift.step": "count", "sealift.key": f"sha256:{number}"},
        )
        file = points / "points.jsonl"
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(world.engine(store=settings).run, wanted)
            assert until(lambda file=file: "loss" in file.read_text(), 60.0)
            assert not running.done()
            world.open_gate("checkpoints", "go")
            assert running.result(60).status == 0
        assert file.read_text() == '{"attempt":1}\n{"step":1,"loss":2}\n'


def test_isolation_is_claimed_when_it_was_seen(world):
    """A pod of each step tries to reach the API of its cluster."""
    engine, wanted = world.engine(), spec(world, "mkdir -p out")
    asked = ("isolation from the network",)
    assert engine.guarantees().lacking(wanted) == asked
    engine.run(wanted)
    assert engine.guarantees().lacking(wanted) == ()
    world.workers.node.enforces = False
    engine.run(wanted)
    assert engine.guarantees().lacking(wanted) == asked
