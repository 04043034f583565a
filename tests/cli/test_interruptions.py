"""A command that is interrupted clears up and says what goes on without it."""

import signal

import pytest

from sealift import clock
from sealift.record.project import ReleaseSettings
from sealift.record.release import Release
from sealift.release.plan import plan
from sealift.types import Digest
from sealift.wiring import Wired


@pytest.fixture
def waiting(tiny):
    """A release in progress, and no controller that could end it."""
    address = Digest("sha256:" + 64 * "0")
    release = Release(
        id=clock.identifier(),
        service="tiny",
        plan=plan(ReleaseSettings()),
        version=1,
        image=address,
        report=address,
        previous=None,
        user="someone",
        comment="",
        created=clock.now(),
    )
    Wired(tiny.folder).ledger.save(release)
    return tiny


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_follows_a_release_may_leave(waiting, number):
    """Exit code 130, for Ctrl-C, for SIGTERM, and for a terminal that goes; the release stays."""
    process = waiting.start("rollback")
    assert "asked for model 1" in process.stderr.readline()
    process.send_signal(number)
    _, talk = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "The release goes on" in talk
    assert talk.endswith("interrupted\n")
    assert "Traceback" not in talk
    assert waiting("status", "--json").value["release"]["state"] != "ended"


def test_a_release_without_a_controller_is_not_followed_for_ever(waiting):
    """After ten seconds it is said, with what brings it back."""
    said = waiting("rollback")
    assert said.code == 4
    assert "The controller or the router is not running" in said.talk
    assert "sealift up" in said.talk
