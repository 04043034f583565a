"""A project with two versions, and a cluster in memory with a gateway, controllers and a script."""

from contextlib import contextmanager

import msgspec
from sealift_project import PROJECT, recorded

from sealift import clock
from sealift.chapters import versions
from sealift.check.report import seal
from sealift.check.suite import checks_of
from sealift.kubernetes.kinds import CLASS, GATEWAY, Kind
from sealift.package import bom, evidence, provenance
from sealift.package.evidence import BOM, PROVENANCE, SIGNATURE
from sealift.record.image import MANIFEST, Manifest
from sealift.record.report import CheckResult, Report
from sealift.testing.cluster import Key
from sealift.testing.cluster_server import ClusterServer
from sealift.testing.cluster_workers import ClusterWorkers
from sealift.testing.ledger_suite import image, model
from sealift.types import Digest

GATEWAYS = "gateway.networking.k8s.io/v1"
ROUTE = Key(Kind(GATEWAYS, "HTTPRoute"), "models", "delays")


class Told:
    """Progress that is kept."""

    def __init__(self):
        self.lines = []
        self.on = {}

    def step(self, name, status):
        """Keep it; what is planned for it happens."""
        self.lines.append(f"{name}: {status}")
        if plan := self.on.pop(f"{name}: {status}", None):
            plan()

    def say(self, text):
        """Keep it."""
        self.lines.append(text)


class World:
    """The project, the cluster, and who acts in it."""

    def __init__(self, wired, server, workers):
        self.wired = wired
        self.server = server
        self.state = server.state
        self.workers = workers
        self.told = Told()

    def key(self, kind, api, name):
        """The key of an object of the project's namespace."""
        return Key(Kind(api, kind), "models", name)

    def kinds(self):
        """The kinds of which there is something of the project's."""
        outside = {"Gateway", "GatewayClass", "Pod", "ReplicaSet"}
        return sorted(
            f"{key.kind.name} {key.name}"
            for key in self.state.objects
            if key.kind.name not in outside
        )

    def route(self):
        """Where requests go."""
        rule = self.state.objects[ROUTE]["spec"]["rules"][-1]
        return {one["name"]: one["weight"] for one in rule["backendRefs"]}


def certify(wired, version):
    """Give a version an image with all its papers: what a release demands."""
    store, signer = wired.store, wired.signer
    config = store.put(f"model {version}".encode(), "application/vnd.oci.image.config.v1+json")
    manifest = Manifest(config=config, layers=())
    one = store.put(msgspec.json.encode(manifest), MANIFEST)
    papers = {
        BOM: {"serialNumber": bom.serial_number(one.digest)},
        PROVENANCE: {"buildDefinition": {"buildType": provenance.BUILD_TYPE}},
        SIGNATURE: {},
    }
    for kind, document in papers.items():
        evidence.seal(kind, document, one, "delays", 1.0, store=store, signer=signer)
    checks = checks_of(versions.pick(wired, version), wired.folders.checks)
    seal(
        Report(
            subject=one.digest,
            project="delays",
            model=version,
            started=clock.now() - 5,
            finished=clock.now(),
            engine="bubblewrap",
            results=tuple(
                CheckResult(name=check.name, shows=check.shows, findings=(), seconds=0.1)
                for check in checks
            ),
        ),
        signer=signer,
        store=store,
    )
    wired.ledger.save(image(one.digest, platform="linux/amd64", model=version))


@contextmanager
def world(folder, monkeypatch, text=PROJECT, *, certified=True):
    """All of it, as long as the context is open."""
    wired = recorded(folder, text)
    wired.ledger.save(model(2))
    wired.ledger.save(image(Digest("sha256:" + "c" * 64), platform="linux/amd64", model=2))
    for version in (1, 2) if certified else ():
        certify(wired, version)
    with ClusterServer("models") as server, ClusterWorkers(server.state) as workers:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(folder / "kubeconfig")))
        made = {"apiVersion": GATEWAYS, "kind": GATEWAY.name}
        name = {"name": "public", "namespace": "models"}
        server.state.create({**made, "metadata": name, "spec": {"gatewayClassName": "test"}})
        server.state.create({**made, "kind": CLASS.name, "metadata": {"name": "test"}})
        yield World(wired, server, workers)
