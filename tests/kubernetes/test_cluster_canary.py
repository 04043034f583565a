"""Canaries in a cluster, on evidence from the servers, with requests that are all accounted for."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from cluster_world import ROUTE, Told, world
from msgspec.structs import replace
from sealift_project import PROJECT

from sealift import clock
from sealift.chapters import versions
from sealift.chapters.deploying.asking import ask
from sealift.chapters.deploying.release import release
from sealift.chapters.deploying.standing import status
from sealift.chapters.deploying.watching import collect
from sealift.errors import ReleaseError, UsageError
from sealift.kubernetes.objects import MANAGER
from sealift.record.release import Release
from sealift.testing.cluster_traffic import ClusterTraffic
from sealift.testing.load import Load
from sealift.wiring import Wired

HOLDING = ("metadata", "annotations", "sealift.holder")
CANARY = PROJECT.replace(
    'strategy = "blue-green"',
    'strategy = "canary"\nstages = [20, 50]\nstage_requests = 20\n'
    '[release.guard]\nerrors = { margin = "30%" }',
)


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A project whose model 1 serves, behind a gateway that carries requests."""
    with (
        world(tmp_path, monkeypatch, CANARY) as made,
        ClusterTraffic(made.server, "models") as made.traffic,
    ):
        release(made.wired, "production", 1, made.told)
        yield made


def go(there):
    """Release model 2 under load; how it ended, and the load."""
    with Load(there.traffic.address, clients=2) as load:
        ended = release(there.wired, "production", 2, there.told)
    return ended.release, load


def test_a_healthy_version_takes_over_by_shares(there):
    """By evidence of what the servers counted; no request is lost."""
    there.traffic.lag = 3
    ended, load = go(there)

    assert ended.outcome == "promoted"
    assert there.route() == {"delays-v2": 1000}
    assert load.failed == []
    assert ended.audit.failed == 0
    assert ended.audit.by_version.keys() == {"1", "2"}
    assert [share for _, share in sorted(ended.shares.items())] == [0.2, 0.5, 1.0]
    assert any("follow the route" in line for line in there.told.lines)
    seen = collect(there.wired, "production", there.told).counts()
    assert seen[1]["requests"] + seen[2]["requests"] == load.sent


def test_a_version_that_fails_is_rolled_back_and_ended(there):
    """Requests go back; the servers of the failed version are taken away, not those before it."""
    there.traffic.answer = lambda version: 500 if version == 2 else 200
    ended, load = go(there)

    assert ended.outcome == "rolled-back"
    assert there.route() == {"delays-v1": 1000}
    assert {one.split(":")[0] for one in load.failed} == {"500"}
    assert "Deployment delays-v2" not in there.kinds()
    assert "Deployment delays-v1" in there.kinds()
    assert versions.serving(there.wired, "production") == 1


class Removing(Told):
    """Progress that takes the servers of model 2 away once their first share is in force."""

    def __init__(self, there):
        super().__init__()
        self.there, self.routes = there, []

    def step(self, name, status):
        """Look for it, and for when they are made anew."""
        super().step(name, status)
        shared = any("20% of the traffic" in line for line in self.lines)
        if shared and status == "in force" and not self.routes:
            self.routes.append(self.there.route())
            self.there.state.delete(self.there.key("Deployment", "apps/v1", "delays-v2"))
        if (name, status) == ("deployment delays-v2", "created") and self.routes:
            self.routes.append(self.there.route())


def test_requests_leave_servers_that_somebody_removed_before_they_are_made_anew(there):
    """The candidate has no share until it is ready again; then its release goes on."""
    told = Removing(there)
    with Load(there.traffic.address, clients=2):
        ended = release(there.wired, "production", 2, told).release

    assert told.routes == [{"delays-v1": 800, "delays-v2": 200}, {"delays-v1": 1000}]
    assert ended.outcome == "promoted"
    assert [share for _, share in sorted(ended.shares.items())][:3] == [0.2, 0.0, 0.2]


RUN = """
import signal, sys
from pathlib import Path
from sealift.chapters.deploying.release import release
from sealift.wiring import Wired
class Told:
    seen = False
    def say(self, text): pass
    def step(self, name, status):
        if self.seen and status == "in force":
            print("there", flush=True); signal.pause()
        self.seen |= sys.argv[2] in status
release(Wired(Path(sys.argv[1])), "production", 2, Told())
"""


def killed(there, when):
    """Release model 2 in a process of its own, and kill it once a share is in force."""
    child = subprocess.Popen(
        [sys.executable, "-c", RUN, str(there.wired.folders.root), when],
        stdout=subprocess.PIPE,
        env=os.environ,
    )
    assert child.stdout.readline() == b"there\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()


def test_a_release_that_was_killed_goes_on_with_its_evidence(there):
    """By the same command; what was answered meanwhile counts, under the share it came by."""
    with Load(there.traffic.address, clients=2) as load:
        killed(there, "20% of the traffic")
        one = versions.in_progress(there.wired, "production")
        until(lambda: there.traffic.answered[2, 200] > 40)
        ended = release(there.wired, "production", 2, there.told).release

    assert ended.id == one.id
    assert ended.outcome == "promoted"
    assert load.failed == []
    assert ended.verdict.evidence[0].candidate_count > 40


def test_a_person_ends_a_release_that_a_process_drives(there):
    """That process does it; then there is none to be ended."""
    begun = threading.Event()
    driver = threading.Thread(
        target=release, args=(there.wired, "production", 2, Shouting(begun, "20% of the traffic"))
    )
    driver.start()
    assert begun.wait(30)
    promoted = ask(there.wired, "production", "promote", there.told)
    driver.join(30)
    assert promoted.outcome == "promoted"
    assert there.route() == {"delays-v2": 1000}
    with pytest.raises(UsageError, match="No release is in progress"):
        ask(there.wired, "production", "rollback", there.told)


class Shouting:
    """Progress that sets an event once a text is told."""

    def __init__(self, event, text):
        self._event, self._text = event, text

    def say(self, text):
        """Nothing."""

    def step(self, _name, told):
        """Look for the text."""
        if self._text in told:
            self._event.set()


@pytest.fixture
def another(there, tmp_path):
    """The same project on another machine, which has no ledger yet."""
    folder = tmp_path / "another"
    folder.mkdir()
    (folder / "sealift.toml").write_text((tmp_path / "sealift.toml").read_text())
    return Wired(folder)


def test_a_second_person_sees_a_release_and_may_end_it(there, another):
    """By what stands on the route; whoever drove it is told."""
    begun, faults = threading.Event(), []

    def drive():
        try:
            release(there.wired, "production", 2, Shouting(begun, "20% of the traffic"))
        except ReleaseError as error:
            faults.append(error)

    driver = threading.Thread(target=drive)
    driver.start()
    assert begun.wait(30)
    until(lambda: there.route() == {"delays-v1": 800, "delays-v2": 200})
    seen = status(another, "production")
    assert (seen.release.version, seen.release.state) == (2, "observing")
    assert "@" in seen.holder
    ended = ask(another, "production", "rollback", there.told)
    driver.join(60)

    assert ended.outcome == "rolled-back"
    assert there.route() == {"delays-v1": 1000}
    assert "Somebody else moved the requests" in faults[0].what


class Moving(Told):
    """Progress of somebody whom whoever began the release outruns, once."""

    def __init__(self, there):
        super().__init__()
        self.moves = [lambda: there.state.edit(ROUTE, HOLDING, "first@there word", MANAGER)]

    def step(self, name, status):
        """After the route was looked at, and before it is changed."""
        super().step(name, status)
        while self.moves:
            self.moves.pop()()


def test_a_second_person_who_is_outrun_ends_the_release_all_the_same(there, another):
    """The first one moved the requests once more, between a look and a change."""
    killed(there, "20% of the traffic")
    begun = versions.in_progress(there.wired, "production")
    further = replace(begun, generation=begun.generation + 1)
    there.wired.ledger.amend(Release, begun.id, lambda _: further)
    told = Moving(there)
    ended = ask(another, "production", "rollback", told)

    assert told.moves == []
    assert ended.outcome == "rolled-back"
    assert status(there.wired, "production").release.state == "ended"
    assert there.route() == {"delays-v1": 1000}


def until(true):
    """Wait for something that will come."""
    ends = clock.monotonic() + 60
    while not true():
        assert clock.monotonic() < ends
        clock.sleep(0.05)


def test_a_canary_beside_servers_of_an_older_sealift_is_refused(there):
    """Before a request is moved: nothing would be seen of it, and it would never end."""
    there.traffic.older = True
    with Load(there.traffic.address, clients=1) as load:
        until(lambda: load.sent >= 5)
    with pytest.raises(ReleaseError, match="of an older Sealift") as caught:
        release(there.wired, "production", 2, there.told)

    assert "--strategy blue-green" in caught.value.remedy
    assert there.route() == {"delays-v1": 1000}
    assert versions.in_progress(there.wired, "production") is None


def test_counters_that_begin_anew_count_once(there):
    """A container that is started again, and a pod that is new, are read from their beginning."""
    with Load(there.traffic.address, clients=1) as load:
        until(lambda: load.sent >= 30)
    collect(there.wired, "production", there.told)
    for pod in there.traffic.pods("delays-v1"):
        there.traffic.restart(pod)
    with Load(there.traffic.address, clients=1) as again:
        until(lambda: again.sent >= 20)
    collect(there.wired, "production", there.told)
    seen = collect(there.wired, "production", there.told)
    assert seen.counts()[1]["requests"] == load.sent + again.sent
