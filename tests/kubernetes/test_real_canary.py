"""A canary with a rollback under load, on a real cluster, where one is named.

``SEALIFT_TEST_KUBECONFIG`` names it, and ``SEALIFT_TEST_RELEASE`` a project with an environment
``production`` and two versions that were packaged, pushed and checked; its gateway has an address
and a host, and its plan is a canary.
"""

import os
import threading
from pathlib import Path

import httpx
import pytest

from sealift import clock
from sealift.chapters.deploying.asking import ask
from sealift.chapters.deploying.release import Wish, release
from sealift.chapters.deploying.standing import status
from sealift.testing.load import Load
from sealift.wiring import Wired

REAL = os.environ.get("SEALIFT_TEST_KUBECONFIG", "")
PROJECT = os.environ.get("SEALIFT_TEST_RELEASE", "")


class Told:
    """Progress that sets an event once the new version gets requests."""

    def __init__(self):
        self.shared = threading.Event()

    def say(self, text):
        """Nothing."""

    def step(self, _name, told):
        """Look for the first share."""
        if "% of the traffic" in told:
            self.shared.set()


if REAL and PROJECT:

    @pytest.fixture
    def wired(monkeypatch):
        """The project."""
        monkeypatch.setenv("KUBECONFIG", REAL)
        return Wired(Path(PROJECT))

    def asked(gateway):
        """What keeps a service busy: the example of its own document."""
        host = {"Host": gateway.hosts[0]}
        document = httpx.get(f"{gateway.address}/openapi.json", headers=host).json()
        body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
        return httpx.Request("POST", gateway.address, json=body["example"]).content, host

    def test_a_canary_is_rolled_back_under_load_and_no_request_is_lost(wired):
        """Requests go back within seconds; all of them were answered."""
        gateway = wired.project.environments["production"].gateway
        release(wired, "production", 1, Told(), Wish(strategy="blue-green"))
        body, host = asked(gateway)
        headers = {**host, "Content-Type": "application/json"}
        told = Told()
        canary = threading.Thread(target=release, args=(wired, "production", 2, told))
        with Load(gateway.address, clients=2, pause=0.005, body=body, headers=headers) as load:
            canary.start()
            assert told.shared.wait(120)
            ends = clock.monotonic() + 60
            while load.answered.get(2, 0) < 20 and clock.monotonic() < ends:
                clock.sleep(0.1)
            ended = ask(wired, "production", "rollback", Told())
            canary.join(120)
        now = status(wired, "production")

        assert ended.outcome == "rolled-back"
        assert load.failed == []
        assert load.answered[2] >= 20
        assert ended.audit.by_version["2"] >= 20
        assert {one.model: one.weight for one in now.versions}[1] == 1000
