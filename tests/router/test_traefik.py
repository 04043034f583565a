"""Traefik under load, and under faults that are put there for real."""

import http.client
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from sealift import clock, process
from sealift.adapters.routers import traefik_process
from sealift.adapters.routers.traefik import Traefik
from sealift.errors import MachineError, ReleaseError
from sealift.loopback import HOST, connections, free_port, get
from sealift.record.route import Backend, Route
from sealift.testing import backend
from sealift.testing.load import Load


def route(bench, generation, weights):
    """A route over servers of the bench."""
    return Route(
        service="svc",
        generation=generation,
        backends=tuple(
            Backend(version=version, weight=weight, urls=(bench.backend(version),))
            for version, weight in weights.items()
        ),
    )


def wait(holds, seconds=10.0):
    """Until something holds; whether it does."""
    deadline = clock.monotonic() + seconds
    while not holds() and clock.monotonic() < deadline:
        clock.sleep(0.01)
    return holds()


def kill_all(bench):
    """Every process of the router at once, as a crash would."""
    found = list(traefik_process.find(bench.router.folder))
    assert found
    for one in found:
        os.kill(one.pid, signal.SIGKILL)
    assert wait(lambda: not any(one.alive for one in found))


def test_no_request_fails_over_100_changes_of_weights_and_every_one_is_counted(traefik):
    """The whole file is changed at once, so there is no moment without a route."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 1, {1: 1000}))
    with Load(traefik.router.address) as load:
        for generation in range(2, 102):
            share = generation * 37 % 1000
            traefik.router.apply(route(traefik, generation, {1: 1000 - share, 2: share}))
    assert load.failed == []
    assert set(load.answered) == {1, 2}
    seen, _ = traefik.settled(load.sent)
    assert {version: sum(one.version == version for one in seen) for version in (1, 2)} == (
        load.answered
    )
    assert {one.status for one in seen} == {200}
    assert len({one.generation for one in seen}) > 70


def test_no_request_fails_over_10_switches_to_another_version(traefik, tmp_path):
    """New server up, route changed, old server idle, old server gone: nobody notices."""
    traefik.router.start()
    servers = [backend.start(1, tmp_path / "1.log")]
    traefik.router.apply(_only(servers[0], 1))
    with Load(traefik.router.address) as load:
        for version in range(2, 12):
            servers.append(backend.start(version, tmp_path / f"{version}.log"))
            traefik.router.apply(_only(servers[-1], version))
            assert wait(lambda version=version: load.answered.get(version))
        for old in servers[:-1]:
            # what the port promises, and what a release waits for
            assert wait(lambda old=old: not connections(old.port))
            old.kill()
        before = load.sent
        assert wait(lambda: load.sent > before + 20)
    servers[-1].kill()
    assert load.failed == []
    assert set(load.answered) >= set(range(2, 12))


def test_a_server_that_is_killed_and_comes_back_costs_no_request(traefik, tmp_path):
    """Requests wait for the address to answer again, also those that were in flight."""
    traefik.router.start()
    server = backend.start(1, tmp_path / "1.log", delay=0.02)
    traefik.router.apply(_only(server, 1))
    with Load(traefik.router.address) as load:
        for _ in range(3):
            assert wait(lambda: load.sent > 20)
            server.kill()
            clock.sleep(0.3)
            server = backend.start(1, tmp_path / "1.log", port=server.port, delay=0.02)
            clock.sleep(0.3)
    server.kill()
    assert load.failed == []


def test_a_router_that_is_killed_comes_back_at_its_address_with_its_route(traefik):
    """Nobody has to apply the route again."""
    traefik.router.start()
    address = traefik.router.address
    traefik.router.apply(route(traefik, 4, {1: 1000}))
    kill_all(traefik)
    assert not traefik.router.running()

    traefik.router.start()

    assert traefik.router.address == address
    assert traefik.send(3) == [200] * 3
    seen, _ = traefik.settled(3)
    assert [one.generation for one in seen] == [4] * 3


def test_a_router_that_hangs_is_replaced(traefik):
    """A stopped process has the port but answers nobody."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 1, {1: 1000}))
    first = next(traefik_process.find(traefik.router.folder))
    os.kill(first.pid, signal.SIGSTOP)

    traefik.again().start()

    assert not first.alive
    assert traefik.router.running()
    assert traefik.send(2) == [200] * 2


def test_a_router_is_found_again_without_any_file(traefik):
    """Its starter may have died before it wrote anything down."""
    traefik.router.start()
    address = traefik.router.address
    (traefik.router.folder / "port.json").unlink()
    second = traefik.again()

    second.start()

    assert len(list(traefik_process.find(traefik.router.folder))) == 2
    assert second.address == address
    second.stop()
    assert not list(traefik_process.find(traefik.router.folder))


def test_after_another_boot_nobody_is_sent_to_addresses_of_before(traefik):
    """Ports of servers that are gone may belong to other programs by now."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 4, {1: 1000}))
    kill_all(traefik)
    memory = traefik.router.folder / "port.json"
    memory.write_text(json.dumps(json.loads(memory.read_text()) | {"boot": "another"}))

    traefik.router.start()

    assert traefik.send(1) == [503]


@pytest.mark.parametrize("kept", [1, 40, 0.3, 0.6, 0.9, -3])
def test_a_route_file_that_was_cut_off_is_never_put_in_force(traefik, kept):
    """What is in force stays, however much of the file is missing."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 4, {1: 1000}))
    file = traefik.router.folder / "dynamic" / "route.yml"
    text = file.read_bytes()
    draft = file.with_name("draft")
    draft.write_bytes(text[: kept if isinstance(kept, int) else int(len(text) * kept)])
    draft.rename(file)
    clock.sleep(0.2)
    assert traefik.send(2) == [200] * 2
    draft.write_bytes(os.urandom(300))
    draft.rename(file)
    clock.sleep(0.2)
    assert traefik.send(2) == [200] * 2

    traefik.router.apply(route(traefik, 5, {2: 1000}))

    assert traefik.send(1) == [200]
    seen, _ = traefik.settled(5)
    assert [one.generation for one in seen] == [4] * 4 + [5]


@pytest.mark.parametrize("damage", [b"", b"{", bytes(range(255, 99, -1))])
def test_a_router_starts_over_a_route_file_that_is_damaged(traefik, damage):
    """It answers 503 until a route is applied, rather than not at all."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 4, {1: 1000}))
    kill_all(traefik)
    (traefik.router.folder / "dynamic" / "route.yml").write_bytes(damage)

    traefik.router.start()

    assert traefik.send(1) == [503]
    traefik.router.apply(route(traefik, 4, {1: 1000}))
    assert traefik.send(1) == [200]


def test_a_route_in_force_is_written_again_when_its_file_is_damaged(traefik):
    """Else the next start of the router would not know it."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 4, {1: 1000}))
    file = traefik.router.folder / "dynamic" / "route.yml"
    whole = file.read_bytes()
    draft = file.with_name("draft")
    draft.write_bytes(whole[:100])
    draft.rename(file)

    traefik.router.apply(route(traefik, 4, {1: 1000}))

    assert file.read_bytes() == whole


def test_files_that_cannot_be_written_are_an_error_that_says_so(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "live").write_text("")
    with pytest.raises(MachineError, match="cannot be written"):
        Traefik(tmp_path / "live", service="svc").start()


def test_a_route_that_cannot_be_written_leaves_the_one_before_it(traefik):
    """The folder is gone, as on a disk that was taken away."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 4, {1: 1000}))
    folder = traefik.router.folder / "dynamic"
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(ReleaseError, match="cannot be written"):
        traefik.router.apply(route(traefik, 5, {2: 1000}))
    assert traefik.send(1) == [200]
    folder.with_name("elsewhere").rename(folder)


def test_everything_listens_on_the_loopback_interface_only(traefik):
    """The internal entry point of Traefik listens everywhere unless told otherwise."""
    traefik.router.start()
    one = next(traefik_process.find(traefik.router.folder))
    places = {
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{one.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) in _ports(one)
    }
    assert {place.split(":")[0] for place in places} == {"0100007F"}
    assert {int(place.split(":")[1], 16) for place in places} == _ports(one)


def test_a_taken_port_is_an_error_that_names_it(tmp_path):
    """The stable address is never silently another one."""
    other = backend.start(1, tmp_path / "1.log", port=free_port())
    router = Traefik(tmp_path / "live", service="svc", port=other.port)
    with pytest.raises(MachineError, match=str(other.port)):
        router.start()
    other.kill()


def test_another_port_in_the_project_file_moves_the_router(traefik):
    """The one that runs at the old port is ended."""
    traefik.router.start()
    moved = traefik.again(port=free_port())

    moved.start()

    assert [one.port for one in traefik_process.find(moved.folder)] == [moved._wanted] * 2
    moved.stop()


def test_only_requests_for_predictions_count(traefik):
    """Health probes and scrapes say nothing of a release."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 1, {1: 1000}))
    port = int(traefik.router.address.rpartition(":")[2])
    for path in ("/metrics", "/v2/health/ready", "/predict"):
        assert get(port, path) is not None
    assert traefik.send(1) == [200]
    seen, _ = traefik.settled(1)
    clock.sleep(0.1)
    assert len(traefik.router.events(None)[0]) == len(seen) == 1


def test_clients_cannot_set_the_generation(traefik):
    """The router's word replaces theirs."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 6, {1: 1000}))
    port = int(traefik.router.address.rpartition(":")[2])
    connection = http.client.HTTPConnection(HOST, port)
    connection.request("POST", "/predict", b"{}", {"X-Sealift-Generation": "99"})
    assert json.loads(connection.getresponse().read())["generation"] == "6"
    connection.close()


def test_a_body_beyond_what_is_kept_for_another_try_goes_through(traefik):
    """Little memory is set aside for a request, but a large one is answered all the same."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 1, {1: 1000}))
    port = int(traefik.router.address.rpartition(":")[2])
    connection = http.client.HTTPConnection(HOST, port)
    connection.request("POST", "/predict", bytes(4 << 20))
    assert connection.getresponse().status == 200
    connection.close()


def test_rotation_under_load_loses_no_request_and_tells_none_twice(traefik):
    """Each call reads on from the cursor of the one before, by another object."""
    traefik.router.start()
    traefik.router.apply(route(traefik, 1, {1: 1000}))
    seen, cursor = [], None
    with Load(traefik.router.address) as load:
        while load.sent < 1500:
            more, cursor = traefik.again(part_bytes=20_000).events(cursor)
            seen += more
            clock.sleep(0.02)
    more, cursor = traefik.settled(load.sent - len(seen), cursor)
    assert load.failed == []
    assert len(seen + more) == load.sent
    assert cursor["part"] > 3
    assert len(list(traefik.router.folder.glob("access-*.jsonl"))) <= 3


def _only(server, generation):
    return Route(
        service="svc",
        generation=generation,
        backends=(Backend(version=server.version, weight=1000, urls=(server.url,)),),
    )


def _ports(one):
    return {one.port, one.internal}


FULL = """
import resource, sys
from pathlib import Path
from sealift.adapters.routers.traefik import Traefik
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # from here on nothing can be written
Traefik(Path(sys.argv[1]), service="svc").stop()
"""


def test_a_full_disk_does_not_keep_the_router_running(tmp_path):
    """It ends, and no route stays that a later start would send people along."""
    router = Traefik(tmp_path, service="svc")
    router.start()
    done = process.run([sys.executable, "-c", FULL, tmp_path], timeout=60)
    assert (done.status, done.stderr) == (0, b"")
    assert not router.running()
    assert not (tmp_path / "router" / "dynamic" / "route.yml").exists()
    router.start()
    assert router.running()
    router.stop()


def test_a_dollar_sign_in_the_path_is_no_variable(tmp_path):
    """Without its configuration the router would listen on all interfaces, at port 80."""
    folder = tmp_path / 'a $HOME "b" [c] \u00e9'
    folder.mkdir()
    router = Traefik(folder, service="svc")
    router.start()
    assert router.running()
    assert get(int(router.address.rpartition(":")[2]), "/") is not None
    router.stop()
