"""The adapter of Kubernetes against the suite: the API in memory, and a real one where named."""

import os

import pytest

from sealift.adapters.clusters.kubernetes import KubernetesCluster
from sealift.network.network import Network
from sealift.testing.cluster_server import ClusterServer
from sealift.testing.cluster_suite import ClusterBench, ClusterSuite

REAL = os.environ.get("SEALIFT_TEST_KUBECONFIG", "")
NAMESPACE = os.environ.get("SEALIFT_TEST_NAMESPACE", "default")


def bench(namespace):
    """The cluster of the kubeconfig, as two managers."""
    with KubernetesCluster("", Network()) as one, KubernetesCluster("", Network(), "other") as two:
        yield ClusterBench(one, two, namespace)


class TestInMemory(ClusterSuite):
    @pytest.fixture
    def bench(self, tmp_path, monkeypatch):
        """The API in memory."""
        with ClusterServer("models") as server:
            monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "config")))
            yield from bench("models")


if REAL:

    class TestReal(ClusterSuite):
        @pytest.fixture
        def bench(self, monkeypatch):
            """The cluster that was named; what was made there is removed."""
            monkeypatch.setenv("KUBECONFIG", REAL)
            for one in bench(NAMESPACE):
                yield one
                one.end()
