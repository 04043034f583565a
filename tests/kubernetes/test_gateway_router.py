"""The route of Gateway API against the suite of routers, as far as it promises the same.

A gateway is not Sealift's to start or end, nor does it tell of requests that reached no server.
"""

import http.client

import pytest

from sealift import clock
from sealift.adapters.clusters.kubernetes import KubernetesCluster
from sealift.adapters.routers.gateway import HOLDER, GatewayRouter
from sealift.errors import ReleaseError
from sealift.kubernetes.kinds import POD, ROUTE
from sealift.kubernetes.objects import Place
from sealift.network.network import Network
from sealift.record.environment import EnvironmentSettings, GatewaySettings
from sealift.record.route import Backend, Route
from sealift.testing import router as suite
from sealift.testing.cluster import Key
from sealift.testing.cluster_server import ClusterServer
from sealift.testing.cluster_traffic import ClusterTraffic

CLAIMS = [
    suite.the_split_follows_the_weights,
    suite.requests_carry_the_generation_in_force,
    suite.a_route_that_makes_no_sense_changes_nothing,
    suite.a_version_without_weight_gets_nothing,
    suite.events_come_once_each,
]
PLACE = Place(
    name="production",
    settings=EnvironmentSettings(
        engine="kubernetes", namespace="models", gateway=GatewaySettings(name="public")
    ),
)


class Told:
    def __init__(self):
        self.lines = []

    def step(self, name, status):
        """Nothing."""

    def say(self, text):
        """Keep it."""
        self.lines.append(text)


class Bench:
    """A gateway that carries requests, and pods behind it."""

    def __init__(self, server, traffic, cluster):
        self.server, self.traffic, self.cluster = server, traffic, cluster
        self.told = Told()
        self.router = self.again()

    def again(self, who="me"):
        """A second object for the same route."""
        return GatewayRouter(
            self.cluster,
            PLACE,
            "svc",
            self.told,
            notes=lambda: {HOLDER: f"{who}@here word"},
            settle=lambda _: None,
        )

    def backend(self, version):
        """A Service and a pod of this version."""
        name = f"svc-v{version}"
        ports = [{"name": "http", "port": 8080}]
        labels = {"app.kubernetes.io/name": "svc", "sealift.version": str(version)}
        metadata = {"name": name, "namespace": "models", "labels": labels}
        made = {"apiVersion": "v1", "metadata": metadata}
        create = self.server.state.create
        create({**made, "kind": "Service", "spec": {"ports": ports}})
        status = {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": []}
        create({**made, "kind": "Pod", "status": status})
        return f"http://{name}:8080"

    def send(self, count):
        """Ask for predictions."""
        connection = http.client.HTTPConnection(self.traffic.address.removeprefix("http://"))
        found = []
        for _ in range(count):
            connection.request("POST", "/predict", b"{}")
            answer = connection.getresponse()
            answer.read()
            found.append(answer.status)
        connection.close()
        return found

    def settled(self, count, cursor=None):
        """Counters are there at once."""
        seen, after = self.router.events(cursor)
        assert len(seen) == count
        return seen, after


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """The API in memory, with a gateway whose class can set headers of answers."""
    with ClusterServer("models") as server, ClusterTraffic(server, "models") as traffic:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "config")))
        with KubernetesCluster("", Network()) as cluster:
            yield Bench(server, traffic, cluster)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_the_router_keeps_a_claim_of_the_suite(bench, claim):
    """Starting and stopping do nothing to it."""
    claim(bench)


def divided(bench, generation, *weights):
    """A route over versions 1, 2 and so on."""
    backends = tuple(
        Backend(version=version, weight=weight, urls=(bench.backend(version),))
        for version, weight in enumerate(weights, 1)
    )
    return Route(service="svc", generation=generation, backends=backends)


def test_a_route_is_in_force_when_requests_follow_it(bench):
    """A gateway that lags is waited for."""
    bench.router.apply(divided(bench, 1, 1000))
    bench.traffic.lag = 4
    bench.router.apply(divided(bench, 2, 0, 1000))
    assert bench.send(3) == [200] * 3
    assert {version for version, _ in bench.traffic.answered} == {2}
    assert any("follow the route" in line for line in bench.told.lines)


def test_what_somebody_else_moved_is_left(bench):
    """Also where the weights are the same: it is in other hands."""
    bench.router.apply(divided(bench, 1, 1000))
    bench.again("her").apply(divided(bench, 1, 1000))
    with pytest.raises(
        ReleaseError, match=r"Somebody else moved the requests meanwhile \(her@here"
    ):
        bench.router.apply(divided(bench, 2, 500, 500))


class Outrun:
    """A cluster in which somebody else is quicker, once: between a look and a change."""

    def __init__(self, cluster, first):
        self._cluster, self._first = cluster, first

    def __getattr__(self, name):
        """All else is as it is."""
        return getattr(self._cluster, name)

    def apply(self, one, **more):
        """The other one first."""
        first, self._first = self._first, lambda: None
        first()
        return self._cluster.apply(one, **more)


def test_of_two_first_routes_at_one_moment_one_stays_and_the_other_is_told(bench):
    """Neither saw a route; who came last has the requests, and who came first learns it."""
    wanted, hers = divided(bench, 1, 0, 1000), bench.again("her")
    bench.cluster = Outrun(bench.cluster, lambda: hers.apply(divided(bench, 1, 1000)))
    mine = bench.again()
    mine.claim(None)
    mine.apply(wanted)

    assert bench.send(2) == [200] * 2
    assert {version for version, _ in bench.traffic.answered} == {2}
    with pytest.raises(ReleaseError, match=r"Somebody else moved the requests.*\(me@here"):
        hers.apply(divided(bench, 1, 1000))


def test_a_version_without_an_address_gets_no_share(bench):
    """A gateway would answer its share with 500."""
    bench.router.apply(divided(bench, 1, 1000))
    lost = Backend(version=9, weight=1000, urls=("http://svc-v9:8080",))
    with pytest.raises(ReleaseError, match="no Service 'svc-v9'"):
        bench.router.apply(Route(service="svc", generation=2, backends=(lost,)))
    assert bench.send(1) == [200]


def test_a_status_that_changes_meanwhile_is_no_conflict(bench):
    """Gateways write to the route, too."""
    bench.router.apply(divided(bench, 1, 1000))
    key = Key(ROUTE, "models", "svc")
    bench.server.state.edit(key, ("status", "parents"), [], "gateway")
    bench.router.apply(divided(bench, 2, 500, 500))
    assert bench.router.events(None)[0] == []


def test_a_pod_that_is_silent_is_read_later(bench):
    """What it counted is not lost, and that of a container before it is not counted again."""
    bench.router.apply(divided(bench, 1, 1000))
    bench.send(3)
    first, cursor = bench.router.events(None)
    bench.send(2)
    answer = bench.server.pods.pop("svc-v1")
    silent, later = bench.router.events(cursor)
    bench.server.pods["svc-v1"] = answer
    second, last = bench.router.events(later)
    bench.server.state.delete(Key(POD, "models", "svc-v1"))
    gone, _ = bench.router.events(last)
    assert [len(one) for one in (first, silent, second, gone)] == [3, 0, 2, 0]
    assert {(one.version, one.generation, one.status) for one in first + second} == {(1, 1, 200)}


def test_what_a_pod_counted_that_was_silent_at_first_came_since_then(bench):
    """A server that still starts does not answer, and may count before it is read."""
    began = clock.now()
    bench.router.apply(divided(bench, 1, 1000))
    bench.send(1)
    bench.backend(2)
    cursors = [bench.router.here(), bench.router.events(None)[1]]
    bench.router.apply(divided(bench, 2, 0, 1000))
    bench.send(2)
    for cursor in cursors:
        seen, _ = bench.router.events(cursor)
        assert [one.version for one in seen] == [2, 2]
        assert all(began <= one.at <= clock.now() for one in seen)
