"""The project that `sealift init` writes goes all the way: classification, other data."""

import csv
import os
import signal
import time
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from project_on_disk import ProjectOnDisk, Traffic

pytestmark = [pytest.mark.network, pytest.mark.engine]


@pytest.fixture(scope="module")
def wines(tmp_path_factory):
    """The project of `sealift init`, with nothing left running afterwards."""
    root = tmp_path_factory.mktemp("wines") / "wines"
    root.mkdir()
    project = ProjectOnDisk(root)
    project.run("init", ".")
    yield project
    project.run("down")


@pytest.fixture(scope="module")
def first(wines):
    """A first model, built and serving."""
    version = wines.build()
    wines.run("up")
    wines.run("release", "--model", str(version), "--comment", "the first")
    return version


@pytest.fixture(scope="module")
def rows(wines, first):
    """The wines as requests, and their cultivars."""
    run = wines.answer("runs")[-1]
    path = wines.root / "wines.csv"
    wines.run("runs", "output", run["id"], "prepare.table", "--to", str(path))
    with path.open(newline="") as file:
        table = list(csv.DictReader(file))
    truths = [row.pop("cultivar") for row in table]
    return [{name: float(value) for name, value in row.items()} for row in table], truths


def test_a_new_project_serves_what_it_learnt(wines, first, rows):
    """The first release brings the model up; its answers are the classes of the data."""
    traffic = Traffic(wines.answer("up"), *rows)
    traffic.start()
    time.sleep(3)
    traffic.stop()

    assert traffic.failed == 0
    assert set(traffic.versions) == {str(first)}
    seen = wines.answer("watch")["versions"][0]
    assert seen["requests"] >= sum(traffic.statuses.values())
    assert seen["metrics"]["accuracy"]["value"] > 0.9


def test_calls_of_grpc_are_answered_as_requests_are(wines, first, rows):
    """By the interpreter of the image, which is another one than that of the tests."""
    running = wines.answer("up")
    asked = service_pb2.ModelInferRequest(model_name="wines", id="a-call")
    row = list(rows[0][0].values())
    tensor = asked.inputs.add(name="features", datatype="FP32", shape=[1, len(row)])
    tensor.contents.fp32_contents[:] = row
    with grpc.insecure_channel(running["address"].partition("://")[2]) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        answer, call = stub.ModelInfer.with_call(asked, timeout=30)

    told = dict((*call.initial_metadata(), *call.trailing_metadata()))
    assert answer.id == "a-call"
    assert {one.name for one in answer.outputs} >= {"label"}
    assert told["x-sealift-version"] == str(first)


def test_a_second_training_of_the_same_takes_everything_from_the_cache(wines, first):
    """The same code, data and parameters: every step is cached and the model is the same."""
    again = wines.answer("train")

    assert all(step["cached"] for step in again["run"]["steps"])
    assert again["model"]["version"] == first


def test_a_model_that_the_store_lost_is_kept_again_by_training_again(wines, first):
    """Under its version, whose record was there all the time; its image comes out the same."""
    words = ("package", "--model", str(first))
    (before,) = wines.answer(*words)["images"]
    blobs = wines.root / ".sealift" / "layout" / "blobs" / "sha256"
    for layer in before["layers"]:
        if layer["role"] == "model":
            (blobs / layer["descriptor"]["digest"][7:]).unlink()

    refused = wines.run(*words, status=10)
    again = wines.run("train")

    assert f"Files of model {first} are no longer in the store." in refused.stderr
    assert f"the same bytes as version {first}, which the store had lost" in again.stderr
    assert wines.answer(*words)["images"][0]["digest"] == before["digest"]


def test_an_image_without_a_report_is_not_released(wines, first):
    """A model that was packaged and not checked is refused, with what to do."""
    version = wines.answer("train", "-p", "strength=0.5")["model"]["version"]
    wines.run("package", "--model", str(version))
    refused = wines.run("release", "--model", str(version), status=9)

    assert "sealift check" in refused.stderr


def test_a_controller_that_is_killed_in_a_canary_carries_it_on(wines, first, rows):
    """kill -9 in the middle, `up` again: the release ends with the verdict of the evidence."""
    version = wines.build("strength=0.7")
    running = wines.answer("up")
    traffic = Traffic(running, *rows, pause=0.01)
    traffic.start()
    asked = wines.start("release", "--model", str(version), "--comment", "to be interrupted")
    try:
        wait_for(lambda: state_of_release(wines) == "observing")
        os.kill(wines.answer("status")["processes"]["controller"], signal.SIGKILL)
        time.sleep(1)
        wines.run("up")
        output = asked.communicate(timeout=240)[0]
    finally:
        traffic.stop()
        asked.kill()
    release = wines.answer("releases")[-1]

    assert release["outcome"] == "promoted", output
    assert release["audit"]["failed"] == 0
    assert traffic.failed == 0


def test_down_leaves_nothing_and_up_brings_the_promoted_version_back(wines, rows):
    """After `down` no process of the project is left; after `up` the same version answers."""
    serving = wines.answer("status")["serving"]
    wines.run("down")
    left = [pid for pid in processes() if str(wines.root) in command(pid)]
    running = wines.answer("up")
    traffic = Traffic(running, *rows)
    traffic.start()
    time.sleep(2)
    traffic.stop()

    assert left == []
    assert traffic.failed == 0
    assert set(traffic.versions) == {str(serving)}


def state_of_release(project):
    """The state of the release in progress; empty when there is none."""
    return (project.answer("status")["release"] or {}).get("state", "")


def wait_for(holds, seconds=90):
    """Until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.5)


def processes():
    """The ids of all processes but this one."""
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in found if pid != os.getpid()]


def command(pid):
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
