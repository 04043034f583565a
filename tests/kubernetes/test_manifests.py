"""A version as manifests: valid for every cluster, restricted, and worth reviewing."""

import copy

import kubernetes_validate
import msgspec
import pytest
import yaml

from sealift.errors import UsageError
from sealift.kubernetes import files, service
from sealift.kubernetes.objects import Place, Served
from sealift.kubernetes.route import route
from sealift.record.environment import EnvironmentSettings, GatewaySettings
from sealift.record.launch import OWN, Launch
from sealift.testing import cluster_defaults
from sealift.types import Digest

DIGEST = Digest("sha256:" + "a" * 64)
BROUGHT = Launch(argv=("serve", "{host}:{port}"), scratch=("/var/cache",), ready="/ok", live="/up")


def served(**changes):
    """A version of the service 'delays'."""
    plain = Served(
        service="delays",
        version=3,
        image=f"registry.example.com/team/delays@{DIGEST}",
        digest=DIGEST,
        platforms=("linux/amd64", "linux/arm64"),
        accelerator="cpu",
        launch=OWN,
        own=True,
    )
    return msgspec.structs.replace(plain, **changes)


def place(**settings):
    """An environment."""
    plain = {"engine": "kubernetes", "namespace": "models", **settings}
    return Place(name="production", settings=msgspec.convert(plain, EnvironmentSettings))


def made(one, where):
    """The objects of a version by kind."""
    return {each["kind"]: each for each in service.objects(one, where)}


FORMS = [
    (served(), place()),
    (served(), place(most=9, cpus=0.5, memory="2GiB", pull_secret="pull", labels={"team": "web"})),
    (served(launch=BROUGHT, own=False, platforms=("linux/amd64",)), place(replicas=1)),
    (served(accelerator="cuda"), place()),
]


@pytest.mark.parametrize(
    ("form", "version"), [(1, "1.34"), (1, "1.35"), (1, "1.36"), *((n, "1.37") for n in range(4))]
)
def test_every_object_is_valid(form, version):
    """By the strict schemas of the last four versions of Kubernetes: no unknown field either."""
    for one in service.objects(*FORMS[form]):
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_pods_keep_to_the_restricted_standard(form):
    """Every control of the standard; and no token, no link and nothing else that leaks in."""
    spec = made(*FORMS[form])["Deployment"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(spec)
    assert all(set(volume) == {"name", "emptyDir"} for volume in spec["volumes"])
    assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_what_selects_the_servers_selects_them_alone(form):
    """Service, budget, policy and deployment mean the same pods, which bear those labels."""
    objects = made(*FORMS[form])
    wanted = {"app.kubernetes.io/name": "delays", "sealift.version": "3"}
    template = objects["Deployment"]["spec"]["template"]

    assert wanted.items() <= template["metadata"]["labels"].items()
    assert objects["Service"]["spec"]["selector"] == wanted
    assert objects["Deployment"]["spec"]["selector"] == {"matchLabels": wanted}
    assert objects["PodDisruptionBudget"]["spec"]["selector"] == {"matchLabels": wanted}
    assert objects["NetworkPolicy"]["spec"]["podSelector"] == {"matchLabels": wanted}


def test_the_image_is_named_by_its_digest_and_runs_where_it_can():
    """On nodes with a processor that there is an image for."""
    spec = made(served(), place())["Deployment"]["spec"]["template"]["spec"]
    node = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = node["nodeSelectorTerms"]

    assert spec["containers"][0]["image"].endswith(f"@{DIGEST}")
    assert term["matchExpressions"][0]["values"] == ["amd64", "arm64"]


def test_the_end_leaves_time_to_drain():
    """Sealift's server drains by itself; another one is told to end only after the gateways know.

    Either way the pod gets longer than the server takes.
    """
    own = made(served(), place())["Deployment"]["spec"]["template"]["spec"]
    other = made(*FORMS[2])["Deployment"]["spec"]["template"]["spec"]
    env = {one["name"]: one.get("value") for one in own["containers"][0]["env"]}
    pause = other["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert "lifecycle" not in own["containers"][0]
    taken = int(env["SEALIFT_DRAIN"]) + int(env["SEALIFT_GRACE"])
    assert own["terminationGracePeriodSeconds"] > taken
    assert other["terminationGracePeriodSeconds"] > pause >= 5


def test_readiness_is_the_servers_own_proof():
    """The golden vectors: nothing is sent to a server before they came out."""
    container = made(served(), place())["Deployment"]["spec"]["template"]["spec"]["containers"][0]

    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": OWN.ready, "port": "http"}
    assert container["livenessProbe"]["httpGet"]["path"] == OWN.live
    assert container["startupProbe"]["failureThreshold"] >= OWN.budget


def test_a_server_listens_where_the_cluster_reaches_it():
    """On every address, on the ports that are declared."""
    container = made(served(), place())["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    env = {one["name"]: one.get("value") for one in container["env"]}
    ports = {one["name"]: str(one["containerPort"]) for one in container["ports"]}

    assert env["SEALIFT_HOST"] == "0.0.0.0"
    assert (env["SEALIFT_PORT"], env["SEALIFT_GRPC_PORT"]) == (ports["http"], ports["grpc"])
    assert made(*FORMS[2])["Deployment"]["spec"]["template"]["spec"]["containers"][0][
        "command"
    ] == ["serve", "0.0.0.0:8080"]


def test_the_autoscalers_number_is_not_overwritten():
    """With one, the deployment says no number of replicas; without one, it does."""
    fixed, elastic = made(served(), place(replicas=3)), made(*FORMS[1])

    assert fixed["Deployment"]["spec"]["replicas"] == 3
    assert "HorizontalPodAutoscaler" not in fixed
    assert "replicas" not in elastic["Deployment"]["spec"]
    scaler = elastic["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 9)


def test_nothing_goes_out_of_a_server():
    """Requests come in on its ports; it opens no connection, not even to a name server."""
    policy = made(served(), place())["NetworkPolicy"]["spec"]

    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert "egress" not in policy
    assert [one["port"] for one in policy["ingress"][0]["ports"]] == ["http", "grpc"]


def test_a_route_says_all_that_a_cluster_would_fill_in():
    """Its lists are compared whole: who applied the same without that would be refused."""
    written = route("delays", [(served(), 1000)], GatewaySettings(name="public"), place(), 7)
    filled = copy.deepcopy(written)
    cluster_defaults.fill(filled)

    assert filled == written


def test_a_route_spreads_both_protocols_alike():
    """Over all versions by their weights; gRPC only when every version speaks it."""
    gateway = GatewaySettings(name="public", namespace="edge", hosts=["delays.example.com"])
    old, new = served(version=2), served(version=3)
    spec = route("delays", [(old, 900), (new, 100)], gateway, place(), 7)["spec"]

    (parent,) = spec["parentRefs"]
    assert (parent["kind"], parent["name"], parent["namespace"]) == ("Gateway", "public", "edge")
    assert spec["hostnames"] == ["delays.example.com"]
    calls, rest = spec["rules"]
    for rule, port in ((calls, 8081), (rest, 8080)):
        assert rule["backendRefs"] == [
            {"group": "", "kind": "Service", "name": "delays-v2", "port": port, "weight": 900},
            {"group": "", "kind": "Service", "name": "delays-v3", "port": port, "weight": 100},
        ]
        changed = rule["filters"][0]["requestHeaderModifier"]["set"]
        assert changed == [{"name": "X-Sealift-Generation", "value": "7"}]
    assert calls["matches"][0]["path"]["value"] == "/inference.GRPCInferenceService"

    mixed = route("delays", [(served(own=False), 900), (new, 100)], gateway, place(), 7)["spec"]
    assert len(mixed["rules"]) == 1


def test_files_hold_the_objects_and_say_what_changed(tmp_path):
    """What was written before and is no longer wanted is removed; files of others stay."""
    folder = tmp_path / "deploy"
    before = files.named(list(service.objects(served(), place(most=9))))
    files.write(before, folder)
    (folder / "kustomization.yaml").write_text("resources: []\n")
    after = files.named(list(service.objects(served(), place(cpus=2.0))))

    change = files.difference(after, folder)
    assert "-  minReplicas: 2\n" in change
    assert "cpu: 2000m\n" in change
    assert "kustomization" not in change

    files.write(after, folder)
    assert files.difference(after, folder) == ""
    assert {path.name for path in folder.iterdir()} == {*after, "kustomization.yaml"}
    loaded = yaml.safe_load((folder / "deployment-delays-v3.yaml").read_text())
    assert loaded == made(served(), place(cpus=2.0))["Deployment"]


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path):
    """Nothing is written at all then."""
    (tmp_path / "service-delays-v3.yaml").write_text("kind: Service\n")
    wanted = files.named(list(service.objects(served(), place())))

    with pytest.raises(UsageError, match="not written by"):
        files.write(wanted, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["service-delays-v3.yaml"]
