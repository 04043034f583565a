"""Background processes: begun once, repaired after kills, ended without a trace."""

import os
import signal
import socket
import sys

import pytest
from background import wait

from sealift import process
from sealift.control import daemon
from sealift.loopback import get


def test_up_starts_everything_once(site):
    """A second one finds what the first has begun."""
    first = site.up()
    second = site.up()

    assert first == second
    assert [part.name for part in first.parts] == ["router", "controller", "api"]
    assert all(part.running for part in first.parts)
    assert len(site.controller) == len(site.api) == 1
    assert len(site.router) == 2
    assert get(int(first.address.rpartition(":")[2]), "/predict").status == 503


def test_two_controllers_are_never_at_work(site):
    """The second one says who is there, and goes."""
    site.up()
    done = process.run(
        [sys.executable, "-m", "sealift.control", "--root", str(site.root)], timeout=30
    )

    assert done.status == 2
    assert str(site.controller[0]) in done.text


def test_router_and_api_come_back_where_they_were(site):
    """The controller sees to it, without another `up`."""
    before = site.up()
    old = (site.router, site.api)
    site.kill("router", "api")

    assert wait(lambda: all(part.running for part in site.status().parts))
    assert site.status() == before
    assert not {*old[0], *old[1]} & {*site.router, *site.api}


def test_a_killed_controller_is_missed_and_its_successor_adopts_the_rest(site):
    """Router and API go on, and are not started again."""
    before = site.up()
    kept = (site.router, site.api)
    site.kill("controller")

    assert site.status().controller is None
    assert [part.name for part in site.status().parts if not part.running] == ["controller"]
    after = site.up()

    assert (site.router, site.api) == kept
    assert (after.address, after.api) == (before.address, before.api)
    assert after.controller not in (None, before.controller)


@pytest.mark.parametrize(
    "killed",
    [(), ("controller",), ("controller", "router"), ("controller", "router", "api")],
    ids=lambda names: "-".join(names) or "none",
)
def test_down_leaves_nothing_whatever_was_killed_before(site, killed):
    """Also when there is nobody left to ask."""
    site.up()
    site.kill(*killed)

    assert site.down() >= 0

    assert site.left() == []
    assert not any(part.running for part in site.status().parts)


def test_down_without_up_is_no_error(site):
    """There is nothing to end."""
    assert site.down() == 0
    assert not any(part.running for part in site.status().parts)


def test_down_finds_what_has_lost_its_files(site):
    """Marks are in the processes, not in files."""
    site.up()
    site.kill("controller")
    (site.root / ".sealift" / "live").rename(site.root / "elsewhere")

    site.down()

    assert site.left() == []


@pytest.mark.engine
def test_down_ends_containers_too(site):
    """Those of a controller that was killed, of whatever version."""
    site.up()
    site.replica()
    site.kill("controller")
    assert [part.where for part in site.status().parts][-1] == "model 1"

    assert site.down() >= 1

    assert site.left() == []


def test_a_stopped_api_is_replaced(site):
    """The process is there, and the port is taken, but nobody answers."""
    before = site.up()
    for pid in site.api:
        os.kill(pid, signal.SIGSTOP)

    assert not site.status().parts[2].running
    for pid in site.api:
        os.kill(pid, signal.SIGCONT)
    assert wait(lambda: site.status() == before)


def test_an_inherited_mark_is_not_taken_for_the_process_itself(site, tmp_path):
    """A child of the controller has its environment too."""
    kind = daemon.controller(site.root)
    child = process.spawn(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        log=tmp_path / "child.log",
        env={daemon.MARK: f"controller:{site.root}"},
    )
    try:
        assert kind.find() == []
    finally:
        child.kill()
        child.wait()


def test_one_trouble_keeps_nobody_from_his_work_and_is_told(site):
    """The router's port is taken meanwhile; the API is kept alive, and all is well afterwards."""
    before = site.up()
    port = int(before.address.rpartition(":")[2])
    site.kill("controller", "router", "api")
    log = daemon.controller(site.root).log
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        daemon.controller(site.root).start()
        assert wait(lambda: f"Port {port}" in log.read_text())
        assert wait(lambda: site.status().parts[2].running)
        assert site.status().controller is not None

    assert wait(lambda: site.status().address == before.address)
    assert wait(lambda: '"event":"recovered","duty":"router"' in log.read_text())
