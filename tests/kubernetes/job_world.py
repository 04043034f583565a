"""A cluster in memory with a node that really runs containers, and a registry for both sides."""

import base64
import os
import socket
import sys
from contextlib import contextmanager
from pathlib import Path

import msgspec

import sealift
from sealift.adapters.caches.bucket import Bucket
from sealift.adapters.clusters.kubernetes import KubernetesCluster
from sealift.adapters.engines.bubblewrap import Bubblewrap
from sealift.adapters.engines.kubernetes import KubernetesJobs
from sealift.adapters.engines.kubernetes_bucket import Carrier
from sealift.adapters.engines.kubernetes_image import Images
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.session import Access
from sealift.adapters.stores.layout import Layout
from sealift.kubernetes.objects import Place
from sealift.kubernetes.porter import key
from sealift.network.network import Network
from sealift.record.container import Mount
from sealift.record.environment import EnvironmentSettings
from sealift.testing.cluster_jobs import JobWorkers
from sealift.testing.cluster_pods import Node
from sealift.testing.cluster_server import ClusterServer
from sealift.testing.engine_image import host_image
from sealift.testing.registry import RegistryServer

PYTHON = (sys.executable, "-m")
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "word", "HOME": "/nonexistent"}


class Quiet:
    """Progress that is kept."""

    def __init__(self):
        self.lines = []

    def step(self, name, status):
        """Keep it."""
        self.lines.append(f"{name}: {status}")

    def say(self, text):
        """Keep it."""
        self.lines.append(text)


def beside(argv):
    """This machine's Python for the porter, whose image here has none."""
    if argv[0] != sys.executable:
        return ()
    source = Path(sealift.__file__).parent.parent
    wanted = {sys.prefix, str(source), "/usr", "/lib", "/lib64", str(Path(sys.base_prefix))}
    found = [one for one in sorted(wanted) if Path(one).exists()]
    inner = {one for one in found for top in found if one != top and one.startswith(f"{top}/")}
    return tuple(Mount(source=one, target=one) for one in found if one not in inner)


def node(folder):
    """A machine of the cluster with its own store."""
    store = Layout(folder / "layout", folder / "unpacked")
    return Node(
        folder=folder,
        engine=Bubblewrap(store, folder / "live"),
        pull=lambda image: pull(image, store),
        beside=beside,
    )


def place(**settings):
    """An environment."""
    plain = {"engine": "kubernetes", "context": "test", "namespace": "models", **settings}
    return Place(name="test", settings=msgspec.convert(plain, EnvironmentSettings))


class JobWorld:
    """The parts, and the engine under test."""

    def __init__(self, folder, server, workers, registry, cluster):
        self.folder, self.server, self.workers = folder, server, workers
        self.registry, self.cluster = registry, cluster
        self.state = server.state
        self.store = Layout(folder / "layout", folder / "unpacked")
        self.image = host_image(self.store, {"OF_IMAGE": "under", "ALSO": "image"})
        self.told = Quiet()

    def engine(self, **settings):
        """The engine as another process would make it."""
        where = place(**settings)
        images = Images(self.store, f"{self.registry.host}/team/steps", self.image, Access())
        bucket, carrier = where.settings.store.place, None
        if bucket is not None:
            carrier = Carrier(Bucket(bucket, Network(environment=KEYS)), self.store)
        more = {"carrier": carrier, "python": PYTHON}
        return KubernetesJobs(self.cluster, where, self.store, images, self.told, **more)

    def bucket(self, store):
        """The objects of a bucket."""
        where = place(store=store).settings.store.place
        return Bucket(where, Network(environment=KEYS))

    def open_gate(self, mount, file):
        """Make a file in the volume of every pod that has one for this mount."""
        for folder in (self.folder.parent / "node").glob(f"*/**/{key(f'/{mount}')}"):
            (folder / file).touch()

    def secret(self, name, values):
        """Put a Secret there, as somebody does before."""
        data = {name: base64.b64encode(one.encode()).decode() for name, one in values.items()}
        metadata = {"name": name, "namespace": "models"}
        one = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
        with self.state.settled():
            self.state.create(one)

    def kinds(self):
        """What there is of steps in the cluster."""
        kinds = ("Job", "Secret", "PersistentVolumeClaim", "NetworkPolicy", "Pod")
        with self.state.settled():
            return sorted(key.kind.name for key in self.state.objects if key.kind.name in kinds)


@contextmanager
def job_world(folder):
    """All of it, as long as the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("KUBECONFIG")
    with (
        RegistryServer() as registry,
        ClusterServer("models") as server,
        JobWorkers(server.state, node(folder / "node")) as workers,
        socket.create_server(("127.0.0.1", 0)) as api,
    ):
        workers.node.api = api.getsockname()
        os.environ["KUBECONFIG"] = str(server.kubeconfig(folder / "kubeconfig"))
        try:
            with KubernetesCluster("test", Network()) as cluster:
                yield JobWorld(folder / "here", server, workers, registry, cluster)
        finally:
            os.environ.pop("KUBECONFIG")
            if before is not None:
                os.environ["KUBECONFIG"] = before
