"""What a step is made of in a cluster, and what the states of its Job and pods mean."""

import kubernetes_validate
import msgspec
import pytest

from sealift.kubernetes.objects import Place
from sealift.kubernetes.step import objects, sender
from sealift.kubernetes.steps import judge, unmade
from sealift.kubernetes.task import Note, Task, mark
from sealift.record.container import Mount
from sealift.record.environment import EnvironmentSettings
from sealift.types import Digest

DIGEST = Digest("sha256:" + "a" * 64)
MOUNTS = (
    Mount(source="/here/project", target="/project", writable=True),
    Mount(source="/here/kept", target="/checkpoints", writable=True, lasting=True),
    Mount(source="/here/data", target="/project/data"),
)


def task(**changes):
    """A step that asks for everything."""
    plain = Task(
        name="train-0123456789ab",
        project="delays",
        image=f"registry.example.com/team/delays@{DIGEST}",
        porter=f"registry.example.com/team/delays@{DIGEST}",
        python=("python3", "-m"),
        repository="registry.example.com/team/delays:train-0123456789ab-out",
        plain=False,
        architecture="amd64",
        argv=("/bin/sh", "-ec", "echo $(date) $HOME"),
        env={"TZ": "UTC", "ODD": "$$"},
        secrets={"TOKEN": "hush"},
        mounts=MOUNTS,
        scratch=("/var/cache",),
        wanted=("/project/out/model",),
        workdir="/project",
        hostname="step",
        network=False,
        cpus=1.5,
        memory=1 << 30,
        gpus=2,
        seconds=60.0,
        note=Note(name="step", image=DIGEST, labels={"sealift.key": f"sha256:{'b' * 64}"}),
    )
    return msgspec.structs.replace(plain, **changes)


def place(**settings):
    """An environment."""
    plain = {"engine": "kubernetes", "namespace": "models", **settings}
    return Place(name="production", settings=msgspec.convert(plain, EnvironmentSettings))


BUCKET = {
    "bucket": "s3://steps/team",
    "endpoint": "https://s3.example.com:9000",
    "secret": "keys",
}
TREES = {one.target: DIGEST for one in MOUNTS}
LIVE = "/checkpoints/points.jsonl"
FORMS = [
    (task(), place()),
    (task(), place(pull_secret="pull", store={"storage_class": "fast", "size": "50GiB"})),
    (task(mounts=(), secrets={}, cpus=None, memory=None, gpus=0, network=True), place()),
    (task(trees=TREES, live=LIVE), place(store=BUCKET)),
    (task(trees=TREES, live=LIVE), place(store={**BUCKET, "checkpoints": "claim"})),
]


@pytest.mark.parametrize(
    ("form", "version"), [(0, "1.34"), (3, "1.35"), (3, "1.36"), *((n, "1.37") for n in range(5))]
)
def test_every_object_of_a_step_is_valid(form, version):
    """By the strict schemas of the last four versions of Kubernetes."""
    for one in [*objects(*FORMS[form]), sender(*FORMS[form])]:
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_pods_of_steps_keep_to_the_restricted_standard(form):
    """Every container of both Jobs; and no token of an account."""
    for one in (objects(*FORMS[form])[-1], sender(*FORMS[form])):
        spec = one["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
        assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(spec)
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            held = container["securityContext"]
            assert held["capabilities"] == {"drop": ["ALL"]}
            assert held["allowPrivilegeEscalation"] is False
            assert held["readOnlyRootFilesystem"] is True


def test_credentials_of_the_registry_are_with_the_sender_alone():
    """The pod that runs the user's code mounts no secret."""
    where = place(pull_secret="pull", push_secret="push")
    step = objects(task(), where)[-1]["spec"]["template"]["spec"]
    sends = sender(task(), where)["spec"]["template"]["spec"]

    assert not [one for one in step["volumes"] if "secret" in one]
    (login,) = [one for one in sends["volumes"] if "secret" in one]
    assert login["secret"]["secretName"] == "push"
    assert step["imagePullSecrets"] == [{"name": "pull"}]


def test_a_bucket_is_open_to_porters_alone():
    """By keys that stand in a Secret; the step's container names neither, and needs no claim."""
    made = {one["kind"]: one for one in objects(*FORMS[3])}
    spec = made["Job"]["spec"]["template"]["spec"]
    porter, beside, step = spec["initContainers"]
    (sends,) = spec["containers"]

    assert [one["name"] for one in (porter, beside, step, sends)] == [
        *("porter", "beside", "step", "sender")
    ]
    assert beside["restartPolicy"] == "Always"
    for one in (porter, beside, sends):
        told = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in one["env"][1:]}
        assert told["AWS_SECRET_ACCESS_KEY"]["name"] == "keys"
    assert not [one for one in step["env"] if one["name"].startswith("AWS_")]
    assert "PersistentVolumeClaim" not in made
    ports = [{"protocol": "TCP", "port": 9000}, *WHO]
    assert made["NetworkPolicy"]["spec"]["egress"] == [{"ports": ports}]


WHO = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]


def test_a_bucket_at_an_address_is_all_that_a_step_reaches():
    """No other address, and no server of names."""
    where = place(store={**BUCKET, "endpoint": "http://10.0.0.7"})
    made = {one["kind"]: one for one in objects(task(trees=TREES), where)}
    block = {"ipBlock": {"cidr": "10.0.0.7/32"}}

    assert made["NetworkPolicy"]["spec"]["egress"] == [
        {"to": [block], "ports": [{"protocol": "TCP", "port": 80}]}
    ]


def test_checkpoints_on_a_claim_have_a_volume_of_their_own():
    """Beside what goes by the bucket."""
    made = {one["kind"]: one for one in objects(*FORMS[4])}
    spec = made["Job"]["spec"]["template"]["spec"]
    volumes = {one["name"]: one for one in spec["volumes"]}
    mounted = {one["mountPath"]: one["name"] for one in spec["initContainers"][-1]["volumeMounts"]}

    assert "persistentVolumeClaim" in volumes["lasting"]
    assert volumes["kept"]["emptyDir"] == {"sizeLimit": "10Gi"}
    assert (mounted["/checkpoints"], mounted["/project"]) == ("lasting", "kept")


def test_a_step_gets_what_it_asks_for_and_no_network():
    """Requests are limits; a policy closes both ways, unless it asks for the network."""
    made = {one["kind"]: one for one in objects(*FORMS[0])}
    spec = made["Job"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    amounts = {"cpu": "1500m", "memory": str(1 << 30), "nvidia.com/gpu": 2}

    assert container["resources"] == {"requests": amounts, "limits": amounts}
    assert container["command"][-1] == "echo $$(date) $$HOME"
    assert made["NetworkPolicy"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert objects(*FORMS[2])[0]["spec"]["policyTypes"] == ["Ingress"]
    assert made["Job"]["spec"]["backoffLimit"] == 0


def test_a_secret_of_a_step_is_in_no_other_object():
    """The Job names where it is."""
    for one in objects(*FORMS[0]):
        text = msgspec.json.encode(one)
        assert b"hush" not in text
        assert (b"aHVzaA==" in text) == (one["kind"] == "Secret")


def job(kind="", reason=""):
    """A Job that has ended so, or not."""
    told = [{"type": kind, "status": "True", "reason": reason}] if kind else []
    return {"kind": "Job", "metadata": {"name": "one"}, "status": {"conditions": told}}


def pod(state=None, **status):
    """A pod whose container is in a state."""
    rows = [{"name": "step", "state": state}] if state else []
    return {"metadata": {"name": "one-x"}, "status": {"containerStatuses": rows, **status}}


def over(code, reason="Error", message=""):
    """A container that ended."""
    stamps = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:02Z"}
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, **stamps}}


def test_the_end_of_a_step_is_told_by_its_container():
    """Its status, whether memory ended it or time, and how long it ran."""
    failed = job("Failed", "BackoffLimitExceeded")
    plain = judge(failed, [pod(over(7))]).ended
    hog = judge(failed, [pod(over(137, "OOMKilled"))]).ended
    late = judge(failed, [pod(over(137), reason="DeadlineExceeded")]).ended

    assert (plain.status, plain.seconds, plain.out_of_memory) == (7, 2.0, False)
    assert hog.out_of_memory
    assert late.timed_out


@pytest.mark.parametrize(
    ("message", "status"),
    [("exec: no such file or directory", 127), ("permission denied: is a directory", 126)],
)
def test_a_program_that_cannot_be_started_has_the_status_of_a_shell(message, status):
    """As containerd tells of it."""
    found = judge(job("Failed"), [pod(over(128, "StartError", message))])
    assert found.ended.status == status


def test_a_pod_that_was_taken_away_tells_nothing_of_the_step():
    """Gone, on its way out, or disrupted."""
    going = pod(over(137))
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    target = {"type": "DisruptionTarget", "status": "True"}

    assert judge(job("Failed"), []).lost
    assert judge(job("Failed"), [going]).lost
    assert judge(job("Failed"), [pod(over(137), conditions=[target])]).lost
    assert not judge(job("Failed"), [pod(over(137))]).lost


def test_a_pod_whose_node_is_away_is_told():
    """The cluster told it to end, and nobody is there who could."""
    going = pod({"running": {"startedAt": "2026-01-01T00:00:00Z"}})
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    found = judge(job(), [{**going, "spec": {"nodeName": "node2"}}])

    assert found.told == "waits until node2 has ended its pod"
    assert (found.ended, found.lost) == (None, False)


def test_inputs_that_cannot_be_laid_out_are_said():
    """In the words that the porter left."""
    porter = {"name": "porter", "state": over(4, message="No space left on device (/kept/x)")}
    found = judge(job("Failed"), [pod(initContainerStatuses=[porter])])

    assert "No space left on device" in found.trouble.what
    assert "store.size" in found.trouble.remedy


def test_outputs_that_cannot_be_left_are_said():
    """Of a step that ended well itself: that is no success."""
    after = {"name": "sender", "state": over(4, message="The bucket cannot be reached")}
    step = {"name": "step", "state": over(0)}
    status = {"containerStatuses": [after], "initContainerStatuses": [step]}
    found = judge(job("Failed"), [pod(**status)])

    assert found.ended is None
    assert "could not be left in the bucket: The bucket cannot be" in found.trouble.what
    assert judge(job(), [pod(**status)]).over


def test_the_newest_word_of_a_cluster_counts():
    """Of what it noted of a Job without pods."""
    notes = [
        {"reason": "FailedCreate", "message": text, "lastTimestamp": f"2026-01-01T00:00:0{n}Z"}
        for n, text in enumerate(("exceeded quota: x", 'violates PodSecurity "restricted"'))
    ]
    assert "Pod Security" in unmade(job(), notes).what
    assert unmade(job(), []) is None


def test_labels_hold_what_labels_may_hold():
    """Long values and odd ones by their digests, the same for the same."""
    assert mark("sha256:" + "a" * 64) == mark("sha256:" + "a" * 64)
    assert mark("") != mark(" ")
    assert all(len(mark(one)) <= 63 for one in ("x" * 99, "/a b", ""))
