"""A server in another language goes all the way, as its user sees it: the command line."""

import time

import httpx
import pytest
from intake_world import PORT, Newcomer

from project_on_disk import ProjectOnDisk

pytestmark = pytest.mark.engine
BODY = {
    "id": "house-1",
    "inputs": [
        {"name": "area", "datatype": "FP64", "shape": [1, 2], "data": [10, 5]},
        {"name": "kind", "datatype": "BYTES", "shape": [1], "data": ["house"]},
    ],
}


@pytest.fixture
def prices(tmp_path, foreign):
    """A project with nothing but a table, and what images it is given."""
    made = Newcomer(tmp_path / "project", tmp_path / "images", foreign)
    made.settle(PORT + '[release]\nstrategy = "blue-green"\n')
    project = ProjectOnDisk(made.root)
    yield made, project
    project.run("down")


def price(address):
    """What the service answers for a house."""
    answer = httpx.post(f"{address}/v2/models/prices/infer", json=BODY, timeout=10)
    assert (answer.status_code, answer.json()["id"]) == (200, "house-1")
    return answer.json()["outputs"][0]["data"][0]


def packaged(prices, *faults):
    """Bring an image in and check it; the version."""
    newcomer, project = prices
    place, _ = newcomer.image(*faults)
    words = ("package", "--from-image", place, "--table", str(newcomer.table))
    version = project.answer(*words)["images"][0]["model"]
    project.run("check", "--model", str(version))
    return version


def test_from_an_image_to_a_service_and_back_again(prices):
    """Package, check, up, release, requests through the router, the next version, and back."""
    _, project = prices
    first, second = packaged(prices), packaged(prices, "rate=4")
    address = project.answer("up")["address"]
    project.run("release", "--model", str(first))
    before = price(address)
    project.run("release", "--model", str(second))
    after = price(address)
    project.run("release", "--model", str(first), "--comment", "back again")
    again = price(address)

    assert (before, after, again) == (40.0, 50.0, 40.0)
    wait_for(lambda: seen(project)["requests"] >= 2)
    watched = project.answer("watch")
    assert watched["serving"] == first
    assert any("was brought in" in flag["message"] for flag in watched["flags"])
    assert project.answer("models")[0]["origin"]["served"] == "prices"
    audits = [one["audit"]["failed"] for one in project.answer("releases")]
    assert audits == [0, 0, 0]


def seen(project):
    """What is seen of the version that serves."""
    return next(one for one in project.answer("watch")["versions"] if one["serving"])


def wait_for(holds, seconds=20):
    """Until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.3)
