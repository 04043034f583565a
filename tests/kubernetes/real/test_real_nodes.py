"""What befalls servers on a real cluster under load: no request is lost."""

import pytest
from real_cluster import until
from real_traffic import Traffic

from sealift.kubernetes.reading import part, text


@pytest.fixture
def load(serving):
    """There are requests, and model 1 has them all."""
    with Traffic(serving.place.address, serving.host) as made:
        until(lambda: made.of(1) > 20, "model 1 answers")
        yield made


def names(pods):
    """What pods are called."""
    return {text(one, "metadata", "name") for one in pods}


def settled(slopes, cluster, servers):
    """Wait until so many servers are there, and no other."""
    until(
        lambda: (
            len(cluster.servers(slopes.name, 1)) == servers
            and len(cluster.pods(**{"app.kubernetes.io_name": slopes.name, "sealift.version": "1"}))
            == servers
        ),
        f"{servers} servers",
    )


def more(load, number=50):
    """Wait for so many answers more."""
    before = load.sent
    until(lambda: load.sent >= before + number, "requests")


def test_a_node_is_drained(slopes, cluster, load):
    """Its servers come up elsewhere before they end here, as the budget demands."""
    settled(slopes, cluster, 2)
    node = part(cluster.servers(slopes.name, 1)[0], "spec", "nodeName")
    assert len(cluster.nodes()) > 1, "another node is needed"
    with cluster.cordoned(node):
        evicted = cluster.drain(node, slopes.name)
        settled(slopes, cluster, 2)
        there = {part(one, "spec", "nodeName") for one in cluster.servers(slopes.name, 1)}
        more(load)

    assert evicted
    assert node not in there
    assert load.bad == []


def test_servers_are_replaced_one_after_another(slopes, cluster, load):
    """A rolling update, as `kubectl rollout restart` begins it."""
    settled(slopes, cluster, 2)
    before = names(cluster.servers(slopes.name, 1))
    cluster.restart(f"{slopes.name}-v1")
    until(lambda: not before & names(cluster.servers(slopes.name, 1)), "others serve")
    settled(slopes, cluster, 2)
    more(load)

    assert load.bad == []


def test_there_are_more_servers_and_fewer(slopes, cluster, load):
    """As `sealift scale` asks for."""
    for servers in (3, 1):
        slopes.run("scale", "--env", "production", "--replicas", str(servers))
        settled(slopes, cluster, servers)
        more(load)

    assert load.bad == []
