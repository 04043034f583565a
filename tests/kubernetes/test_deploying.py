"""A project on a cluster: released, looked at, taken away, and every way in which that fails."""

import os
import signal
import subprocess
import sys

import pytest
from cluster_world import GATEWAYS, ROUTE, world

from sealift.adapters.clusters.kubernetes import KubernetesCluster
from sealift.chapters.deploying.release import Wish, release
from sealift.chapters.deploying.removal import down
from sealift.chapters.deploying.standing import status
from sealift.errors import ClusterError, ConflictError, ForbiddenError, KindError, ReleaseError
from sealift.kubernetes.objects import step_labels
from sealift.network.network import Network


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A project and a cluster."""
    with world(tmp_path, monkeypatch) as made:
        yield made


def test_a_version_is_brought_into_service(there):
    """Its servers, then the route; a second time nothing changes."""
    first = release(there.wired, "production", 1, there.told)
    again = release(there.wired, "production", 1, there.told)
    now = status(there.wired, "production")

    assert set(first.objects.values()) == {"created"}
    assert set(again.objects.values()) == {"unchanged"}
    assert (first.ready, first.wanted, first.moved) == (2, 2, True)
    assert there.route() == {"delays-v1": 1000}
    assert [(one.model, one.ready, one.weight) for one in now.versions] == [(1, 2, 1000)]
    assert now.route == "in force"
    assert there.told.lines.index("deployment delays-v1: 2 of 2 ready") < there.told.lines.index(
        "httproute delays: created"
    )


def test_requests_move_only_to_servers_that_are_ready(there):
    """Those of the version before stay until they are taken away, so that there is a way back."""
    release(there.wired, "production", 1, there.told)
    there.workers.script.fates["delays-v2"] = "slow"
    there.told.on["deployment delays-v2: 0 of 2 ready"] = lambda: (
        there.told.lines.append(str(there.route())),
        there.workers.become("delays-v2", "ready"),
    )
    second = release(there.wired, "production", None, there.told)

    assert "{'delays-v1': 1000}" in there.told.lines
    assert there.route() == {"delays-v2": 1000}
    assert second.before == ("delays-v1",)
    with pytest.raises(ReleaseError, match="Model 2 gets requests"):
        down(there.wired, "production", 2, there.told)
    down(there.wired, "production", 1, there.told)
    assert [one.model for one in status(there.wired, "production").versions] == [2]
    assert "Service delays-v1" not in there.kinds()


FATES = {
    "pull": "cannot pull the image",
    "crash": "ended with status 3",
    "memory": "more memory than it may",
    "late": "did not become ready in the time",
}


@pytest.mark.parametrize(("fate", "message"), FATES.items())
def test_servers_that_will_not_be_ready_fail_a_release(there, fate, message):
    """At once, as a sentence; requests stay. Mended, the next run goes on."""
    release(there.wired, "production", 1, there.told)
    there.workers.script.fates["delays-v2"] = fate
    with pytest.raises(ReleaseError, match=message) as caught:
        release(there.wired, "production", 2, there.told)
    kept, seen = there.route(), status(there.wired, "production").versions[1].trouble
    there.workers.become("delays-v2", "ready")
    release(there.wired, "production", 2, there.told)

    assert caught.value.remedy
    assert kept == {"delays-v1": 1000}
    assert message in seen
    assert there.route() == {"delays-v2": 1000}


def test_the_last_lines_of_a_server_that_crashed_are_told(there):
    """They say more than any status."""
    there.workers.script.fates["delays-v1"] = "crash"
    there.server.lines = "model.onnx is damaged\n"
    with pytest.raises(ReleaseError, match="ended with status 3"):
        release(there.wired, "production", 1, there.told)
    assert "  model.onnx is damaged" in there.told.lines


def test_what_the_cluster_refuses_is_a_sentence(there):
    """A role, a rule of admission, a namespace, a kind: each with what to do."""
    faults = there.state.faults
    faults.forbidden.add(("patch", "services"))
    with pytest.raises(ForbiddenError, match='cannot patch resource "services"') as caught:
        release(there.wired, "production", 1, there.told)
    assert "the verb patch on services" in caught.value.remedy
    faults.forbidden.clear()

    told = 'admission webhook "policy.example.com" denied the request: no team label'
    faults.denied["Deployment"] = told
    with pytest.raises(ClusterError, match="no team label") as caught:
        release(there.wired, "production", 1, there.told)
    assert "rule" in caught.value.what
    faults.denied.clear()

    faults.absent.add(GATEWAYS)
    with pytest.raises(KindError, match="knows no Gateway") as caught:
        release(there.wired, "production", 1, there.told)
    assert "Install the definitions of Gateway API" in caught.value.remedy
    faults.absent.clear()

    there.server.token = "another"
    with pytest.raises(ClusterError, match="does not accept who you are"):
        release(there.wired, "production", 1, there.told)


def test_without_a_gateway_or_its_class_nothing_is_begun(there):
    """What is missing is named before any server is started."""
    del there.state.objects[next(key for key in there.state.objects if key.name == "test")]
    with pytest.raises(ReleaseError, match="no GatewayClass 'test'"):
        release(there.wired, "production", 1, there.told)
    del there.state.objects[there.key("Gateway", GATEWAYS, "public")]
    with pytest.raises(ReleaseError, match="no Gateway 'public'"):
        release(there.wired, "production", 1, there.told)
    assert there.kinds() == []


def test_a_gateway_that_takes_no_route_of_ours_says_so(there):
    """With the reason that it gives."""
    there.workers.script.route = ("NotAllowedByListeners", "namespace models is not allowed")
    with pytest.raises(ReleaseError, match="NotAllowedByListeners") as caught:
        release(there.wired, "production", 1, there.told)
    assert "allowedRoutes" in caught.value.remedy


def test_fields_that_others_set_are_taken_over_by_force_alone(there):
    """The other one and the field are named."""
    release(there.wired, "production", 1, there.told)
    key = there.key("Deployment", "apps/v1", "delays-v1")
    there.state.edit(key, ("spec", "replicas"), 5, "kubectl-edit")
    with pytest.raises(ConflictError, match=r"'kubectl-edit'.*spec\.replicas"):
        release(there.wired, "production", 1, there.told)
    ended = release(there.wired, "production", 1, there.told, Wish(force=True))
    assert ended.wanted == 2


def test_an_object_of_somebody_elses_that_has_the_name_is_left(there):
    """Without Sealift's label, with force too; nothing of it is changed."""
    made = {"apiVersion": "v1", "kind": "Service"}
    held = {"name": "delays-v1", "namespace": "models", "labels": {"app": "web"}}
    there.state.create({**made, "metadata": held, "spec": {"ports": [{"port": 80}]}})
    before = there.state.objects[there.key("Service", "v1", "delays-v1")]
    with pytest.raises(ReleaseError, match="is not Sealift's"):
        release(there.wired, "production", 1, there.told, Wish(force=True))

    assert there.state.objects[there.key("Service", "v1", "delays-v1")] == before


def test_a_route_that_was_moved_meanwhile_is_left(there):
    """Two releases at once do not undo each other."""
    release(there.wired, "production", 1, there.told)

    def move():
        rules = there.state.objects[ROUTE]["spec"]["rules"]
        moved = [
            {**one, "backendRefs": [{"name": "delays-v9", "port": 8080, "weight": 1}]}
            for one in rules
        ]
        there.state.edit(ROUTE, ("spec", "rules"), moved, "sealift")

    there.told.on["deployment delays-v2: 2 of 2 ready"] = move
    with pytest.raises(ReleaseError, match="Somebody else moved the requests"):
        release(there.wired, "production", 2, there.told)
    assert there.route() == {"delays-v9": 1}


def test_down_removes_what_is_sealifts_and_waits_for_it(there):
    """What somebody else made stays, and is named; what goes slowly is waited for."""
    release(there.wired, "production", 1, there.told)
    theirs = there.key("ConfigMap", "v1", "theirs")
    there.state.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "theirs", "namespace": "models"},
        }
    )
    labels = there.state.objects[ROUTE]["metadata"]["labels"]
    copy = {"name": "copy", "namespace": "models", "labels": labels}
    there.state.create({"apiVersion": "v1", "kind": "Service", "metadata": copy, "spec": {}})
    there.workers.script.lingers = True
    there.told.on["service delays-v1: gone"] = there.workers.let_go
    ended = down(there.wired, "production", None, there.told)

    assert list(ended.left) == ["service copy"]
    assert there.kinds() == ["ConfigMap theirs", "Service copy"]
    assert theirs in there.state.objects
    assert not [key for key in there.state.objects if key.kind.name in ("Pod", "ReplicaSet")]
    assert ended.removed[0] == "httproute delays"


def test_down_removes_what_steps_left(there):
    """With the whole service, not with one version of it; another project's stays."""
    for name, project in (("mine", "delays"), ("theirs", "other")):
        labels = {**step_labels(project), "sealift.job": name}
        metadata = {"name": name, "namespace": "models", "labels": labels}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
        with KubernetesCluster("test", Network()) as cluster:
            cluster.apply({**claim, "spec": {"accessModes": ["ReadWriteOnce"]}})
    first = down(there.wired, "production", 7, there.told)
    second = down(there.wired, "production", None, there.told)

    assert first.removed == ()
    assert second.removed == ("persistentvolumeclaim mine",)
    assert there.kinds() == ["PersistentVolumeClaim theirs"]


def test_requests_do_not_move_to_servers_that_are_being_removed(there):
    """Released again while they end, a version is refused; when they are gone, it comes back."""
    release(there.wired, "production", 1, there.told)
    there.workers.script.lingers = True
    with pytest.raises(ClusterError, match=r"still going.*deployment delays-v1"):
        down(there.wired, "production", None, there.told, patience=0.0)
    with pytest.raises(ReleaseError, match="being removed") as caught:
        release(there.wired, "production", 1, there.told)
    assert "release again" in caught.value.remedy
    assert ROUTE not in there.state.objects

    there.workers.let_go()
    down(there.wired, "production", None, there.told)
    assert release(there.wired, "production", 1, there.told).moved


def test_what_never_goes_is_named_with_its_finalizer(there):
    """Down does not wait for ever."""
    there.state.faults.finalizers["Service"] = ["example.com/held"]
    release(there.wired, "production", 1, there.told)
    with pytest.raises(ClusterError, match=r"service delays-v1.*example\.com/held"):
        down(there.wired, "production", None, there.told, patience=0.0)


def test_a_cluster_that_is_away_for_a_moment_is_waited_for(there):
    """While servers start; watches that break and expire lose nothing."""
    there.state.faults.cut = 1
    there.workers.script.fates["delays-v1"] = "slow"

    def trouble():
        there.state.forget()
        there.state.faults.unavailable += [503, 503]
        there.workers.become("delays-v1", "ready")

    there.told.on["deployment delays-v1: 0 of 2 ready"] = trouble
    ended = release(there.wired, "production", 1, there.told)

    assert ended.moved
    assert any("cannot answer now" in line for line in there.told.lines)


RUN = """
import signal, sys
from pathlib import Path
from sealift.chapters.deploying.release import release
from sealift.wiring import Wired
class Told:
    def say(self, text): pass
    def step(self, name, status):
        if f"{name}: {status}" == sys.argv[2]:
            print("there", flush=True); signal.pause()
release(Wired(Path(sys.argv[1])), "production", 2, Told())
"""


@pytest.mark.parametrize(
    "when",
    [
        "deployment delays-v2: created",
        "deployment delays-v2: 2 of 2 ready",
        "httproute delays: changed",
    ],
)
def test_a_release_that_was_killed_is_gone_on_with(there, when):
    """Wherever it was: no request is without servers, and the next run ends it."""
    release(there.wired, "production", 1, there.told)
    child = subprocess.Popen(
        [sys.executable, "-c", RUN, str(there.wired.folders.root), when],
        stdout=subprocess.PIPE,
        env=os.environ,
    )
    assert child.stdout.readline() == b"there\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (server,) = there.route()
    assert status(there.wired, "production").versions[int(server[-1]) - 1].ready == 2

    ended = release(there.wired, "production", 2, there.told)
    assert ended.moved
    assert there.route() == {"delays-v2": 1000}


def test_an_autoscaler_takes_the_number_over_without_a_gap(tmp_path, monkeypatch):
    """Who stops applying a number that it owns would have it set back to 1."""
    with world(tmp_path, monkeypatch) as there:
        release(there.wired, "production", 1, there.told)
        settings = there.wired.project.environments["production"]
        elastic = type(settings)(
            **{**{name: getattr(settings, name) for name in settings.__struct_fields__}, "most": 9}
        )
        there.wired.project.environments["production"] = elastic
        release(there.wired, "production", 1, there.told)
        key = there.key("Deployment", "apps/v1", "delays-v1")
        kept = there.state.objects[key]["spec"]["replicas"]
        there.state.edit(key, ("spec", "replicas"), 6, "kube-controller-manager")
        release(there.wired, "production", 1, there.told)

        assert kept == 2
        assert there.state.objects[key]["spec"]["replicas"] == 6
