"""What may be wrong around the background processes, and what is said of it."""

import http.client
import json
import os
import signal
import socket
import threading
from urllib.parse import urlsplit

import pytest
from background import Site, wait

from sealift import clock
from sealift.control import daemon, pulse
from sealift.control.diary import Trouble, troubles
from sealift.errors import MachineError, ProjectError
from sealift.testing.ledger_suite import model, release
from sealift.wiring import Wired

BROKEN = 'name = "svc"\nnmae = [1,\n'


def files(site):
    """Everything in the project's folder."""
    return sorted(str(path.relative_to(site.root)) for path in site.root.rglob("*"))


def test_down_and_status_write_nothing_where_nothing_was(site):
    """A look is only a look."""
    before = files(site)
    assert site.down() == 0
    assert not any(part.running for part in site.status().parts)
    assert files(site) == before
    assert site.left() == []


def test_a_wrong_project_file_is_told_and_nothing_starts(site):
    """The error names the file."""
    (site.root / "sealift.toml").write_text(BROKEN)
    with pytest.raises(ProjectError, match=r"sealift\.toml"):
        site.up()
    assert site.left() == []
    assert files(site) == ["sealift.toml"]


@pytest.mark.engine
@pytest.mark.parametrize("fault", ["broken", "gone"])
def test_down_needs_no_project_file(site, fault):
    """It ends router, controller, API and containers all the same."""
    site.up()
    site.replica()
    if fault == "gone":
        (site.root / "sealift.toml").unlink()
    else:
        (site.root / "sealift.toml").write_text(BROKEN)

    assert site.down() >= 3

    assert site.left() == []


@pytest.mark.engine
def test_down_ends_what_has_lost_its_whole_state(site):
    """Somebody has moved the folder away while everything ran."""
    site.up()
    site.replica()
    site.kill("controller")
    (site.root / ".sealift").rename(site.root / "elsewhere")

    site.down()

    assert site.left() == []


def test_a_port_that_is_taken_is_named(site):
    """Long before the patience of `up` is over; and `up` succeeds once the port is free."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (site.root / "sealift.toml").write_text(f'name = "svc"\n[serve]\nport = {port}\n')
        begin = clock.monotonic()
        with pytest.raises(MachineError, match=str(port)) as told:
            site.up()
        assert clock.monotonic() - begin < 20
        assert "serve" in told.value.remedy
        assert "goes on trying" in told.value.remedy
    assert site.up().address.endswith(f":{port}")


def test_two_at_the_same_moment_begin_one_of_each(site):
    """Both are told the same addresses."""
    answers = []
    both = [threading.Thread(target=lambda: answers.append(site.up())) for _ in range(3)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert wait(lambda: len(site.controller) == 1)
    assert len(site.api) == 1
    assert wait(lambda: len(site.router) == 2)
    assert len({(one.address, one.api) for one in answers}) == 1
    assert len(answers) == 3


def test_the_api_asks_for_the_token_and_the_log_is_lines_of_json(site):
    """What is wrong with a token is not said."""
    running = site.up()
    with open(running.token) as file:  # noqa: PTH123
        token = file.read().strip()

    assert [asked(running.api, one) for one in (token, "wrong", "")] == [200, 401, 401]

    site.down()
    lines = daemon.controller(site.root).log.read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events[0] == "started"
    assert events[-1] == "ended"


def test_a_link_to_the_folder_is_the_same_project(site, tmp_path_factory):
    """There are no two controllers for one folder."""
    link = tmp_path_factory.mktemp("links") / "svc"
    link.symlink_to(site.root)
    running = site.up()
    assert Site.up(Linked(link)) == running
    assert len(site.controller) == 1


class Linked:
    """A project that is reached by another path."""

    def __init__(self, root):
        self.root = root


def test_troubles_are_those_that_last(tmp_path):
    """A new controller begins without any; what is no line of its own is passed over."""
    log = tmp_path / "controller.log"
    assert troubles(log) == {}
    log.write_text(
        '{"event":"trouble","duty":"api","what":"Old."}\n'
        "Traceback (most recent call last):\n"
        '{"event":"started"}\n'
        '{"event":"trouble","duty":"router","what":"Taken.","where":"x","next":"Free it."}\n'
        '{"event":"trouble","duty":"release","what":"No."}\n'
        '{"event":"recovered","duty":"release"}\n'
        '{"event":"refused","what":"Another one."}\n'
        '{"event":"tro'
    )
    assert troubles(log) == {
        "router": Trouble(what="Taken.", where="x", next="Free it."),
        "controller": Trouble(what="Another one."),
    }


def asked(address, token):
    """The status of an answer."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request("GET", "/v1/status", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_controller_that_hangs_is_shown_and_replaced(site):
    """It is there, but has done no round for minutes."""
    before = site.up()
    os.kill(before.controller, signal.SIGSTOP)
    long_ago = clock.now() - pulse.SILENCE - 1
    os.utime(site.root / ".sealift" / "live" / "controller.beat", (long_ago, long_ago))
    assert not site.status().parts[1].running

    after = site.up()

    assert after.controller != before.controller
    assert len(site.controller) == 1
    assert (after.address, after.api) == (before.address, before.api)


def test_signs_of_a_controller_of_before_do_not_count(site):
    """It may have been down for days."""
    site.up()
    site.down()
    long_ago = clock.now() - 1e6
    os.utime(site.root / ".sealift" / "live" / "controller.beat", (long_ago, long_ago))

    assert all(part.running for part in site.up().parts)


def test_up_says_why_the_promoted_model_does_not_come_up(site):
    """Its image is not in the store any more; the rest runs on."""
    past = release("r1", service="svc", state="ended", outcome="promoted")
    ledger = Wired(site.root).ledger
    ledger.save(model(past.version))
    ledger.save(past)

    with pytest.raises(MachineError, match="not in the store") as told:
        site.up()

    assert "goes on trying" in told.value.remedy
    assert len(site.controller) == len(site.api) == 1
