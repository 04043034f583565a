"""What pods, rollouts and routes mean: decisions on the objects that a cluster sends."""

import pytest

from sealift.kubernetes import pods, rollout, routing


def deployment(*, wanted=2, ready=0, updated=None, total=None, seen=3, conditions=()):
    """A deployment of the third generation and the second template."""
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "delays-v1",
            "uid": "d",
            "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": wanted},
        "status": {
            "observedGeneration": seen,
            "replicas": wanted if total is None else total,
            "updatedReplicas": wanted if updated is None else updated,
            "availableReplicas": ready,
            "conditions": list(conditions),
        },
    }


def replicas(revision, digest, owner="d"):
    """The ReplicaSet of a template."""
    return {
        "metadata": {
            "labels": {"pod-template-hash": digest},
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"uid": owner}],
        }
    }


SETS = [replicas("1", "old"), replicas("2", "new"), replicas("2", "foreign", "other")]


def pod(digest="new", *, conditions=(), container=None, phase="Running", **metadata):
    """A pod of a template."""
    return {
        "metadata": {"name": "p", "labels": {"pod-template-hash": digest}, **metadata},
        "status": {
            "phase": phase,
            "conditions": list(conditions),
            "containerStatuses": [container] if container else [],
        },
    }


def waits(reason, **more):
    """A container that waits for a reason."""
    return {
        "image": "r/x@sha256:1",
        "state": {"waiting": {"reason": reason, "message": "why not"}},
        **more,
    }


def condition(kind, status, reason="", message=""):
    """One condition."""
    return {"type": kind, "status": status, "reason": reason, "message": message}


READY = condition("Ready", "True")
FULL = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available")


BEHIND = {
    "state": {
        "waiting": {
            "reason": "CreateContainerConfigError",
            "message": "failed to sync secret cache: timed out waiting for the condition",
        }
    }
}


@pytest.mark.parametrize(
    ("one", "message", "patience"),
    [
        (pod(conditions=[FULL]), "No node has room for a server: 0/3 nodes", 20.0),
        (pod(container=waits("ErrImagePull")), "cannot pull the image", 10.0),
        (pod(container=waits("ImagePullBackOff")), "cannot pull the image", 0.0),
        (pod(container=waits("InvalidImageName")), "cannot pull the image", 0.0),
        (pod(container=waits("CreateContainerConfigError")), "cannot start the container", 5.0),
        (pod(container=BEHIND), "cannot start the container", 30.0),
        (pod(container=waits("CrashLoopBackOff", restartCount=1)), "started again once", 0.0),
        (pod(phase="Failed"), "ended by the cluster", 20.0),
        (
            pod(container={"lastState": {"terminated": {"reason": "OOMKilled"}}}),
            "more memory than it may",
            0.0,
        ),
    ],
)
def test_what_keeps_a_pod_from_being_ready_is_a_sentence(one, message, patience):
    """With what to do, and for how long it may pass by itself."""
    found = pods.trouble(one)

    assert message in found.what
    assert found.remedy
    assert found.patience == patience


PULLS = {
    "failed to resolve image: 127.0.0.1:5000/m@sha256:51d7: not found": ("package --push", 2.0),
    "pull access denied, repository does not exist or may require authorization": (
        "pull_secret that may pull",
        2.0,
    ),
    "failed to authorize: unexpected status: 401 Unauthorized": ("pull_secret that may pull", 2.0),
    'Head "https://r.example/v2/": dial tcp: lookup r.example: no such host': ("nodes reach", 10.0),
    "tls: failed to verify certificate: x509: unknown authority": ("nodes reach", 10.0),
    "something that nobody foresaw": ("package --push", 10.0),
}


@pytest.mark.parametrize(("said", "expected"), PULLS.items())
def test_an_image_that_is_not_pulled_says_what_to_do(said, expected):
    """By what the node heard; an answer of the registry is sure sooner than none."""
    state = {"waiting": {"reason": "ErrImagePull", "message": said}}
    found = pods.trouble(pod(container={"state": state}))

    assert (expected[0] in found.remedy, found.patience) == (True, expected[1])
    assert said in found.what


@pytest.mark.parametrize(
    "one",
    [
        pod(),
        {},
        pod(container=waits("ContainerCreating")),
        pod(container={"restartCount": 1, "lastState": {"terminated": {"exitCode": 1}}}),
        pod(container=waits("ImagePullBackOff"), deletionTimestamp="now"),
    ],
)
def test_what_may_still_come_right_is_no_trouble(one):
    """Nor is what becomes of a pod that ends."""
    assert pods.trouble(one) is None


def test_servers_are_there_when_all_of_the_newest_template_are():
    """Not while one of an older template is left, nor before the change was seen."""
    done = rollout.judge(deployment(ready=2), SETS, [pod(conditions=[READY])])
    older = rollout.judge(deployment(ready=2, total=3), SETS, [])
    unseen = rollout.judge(deployment(ready=2, seen=2), SETS, [])

    assert (done.done, done.told) == (True, "2 of 2 ready")
    assert not older.done
    assert not unseen.done


def test_trouble_of_an_older_template_does_not_count():
    """It may be what the newest is to mend; nor does that of somebody else's pods."""
    bad = waits("CrashLoopBackOff")
    others = [pod("old", container=bad), pod("foreign", container=bad)]
    mending = rollout.judge(deployment(), SETS, others)
    failing = rollout.judge(deployment(), SETS, [*others, pod(container=bad)])

    assert mending.trouble is None
    assert "was started again" in failing.trouble.what


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: cpu"), "quota"),
        (condition("ReplicaFailure", "True", "", 'violates PodSecurity "x"'), "Pod Security"),
        (condition("ReplicaFailure", "True", "", "denied the request"), "admission"),
        (condition("Progressing", "False", "ProgressDeadlineExceeded"), "in the time"),
    ],
)
def test_a_deployment_that_cannot_make_pods_says_why(said, message):
    """Before any time limit."""
    found = rollout.judge(deployment(conditions=[said]), SETS, []).trouble

    assert message in found.what
    assert found.remedy
    assert found.patience <= 5


def parent(accepted="True", resolved="True", seen=2):
    """What a gateway says of a route."""
    said = [condition("Accepted", accepted, "Why"), condition("ResolvedRefs", resolved, "Why")]
    more = {} if seen is None else {"observedGeneration": seen}
    return {"conditions": [{**one, **more} for one in said]}


def route(*parents):
    """A route of the second generation that names one gateway."""
    return {
        "metadata": {"name": "delays", "generation": 2},
        "spec": {"parentRefs": [{"name": "public"}]},
        "status": {"parents": list(parents)},
    }


def test_a_route_is_in_force_when_its_gateway_took_this_generation():
    """Silence and what was said of an earlier one are neither yes nor no."""
    assert routing.accepted(route(parent()))
    assert routing.accepted(route(parent(seen=None)))
    for one in (route(), route(parent(seen=1)), route(parent("False", seen=1))):
        assert not routing.accepted(one)
        assert routing.refused(one) is None
    for one in (route(parent("False")), route(parent(resolved="False"))):
        assert not routing.accepted(one)
        assert "(Why)" in routing.refused(one).what


def test_weights_are_read_from_the_rule_for_plain_requests():
    """One that is not written is 1, as Gateway API has it."""
    rules = [
        {"backendRefs": [{"name": "grpc"}]},
        {"backendRefs": [{"name": "a"}, {"name": "b", "weight": 0}]},
    ]
    assert routing.weights({"spec": {"rules": rules}}) == {"a": 1, "b": 0}
    assert routing.weights({}) == {}
