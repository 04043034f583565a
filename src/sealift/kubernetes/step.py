"""A step in a cluster: a Job with its claim, its secrets and its way to the network.

By a claim, its inputs are layers of the image of a porter, whose container lays them out before the
step's begins; what it writes is on the claim, from where a second Job with the same porter sends
it. So the pod of the step has no credentials, and needs no network. By a bucket, porters in the
step's own pod fetch and leave all that: there the step has no credentials either.
Source: Kubernetes, "Jobs", "Pod failure policy"; "Restricted" of the Pod Security Standards.
"""

from __future__ import annotations

import base64
import math

import msgspec

from sealift.kubernetes import porters, restricted
from sealift.kubernetes.objects import Object, Place, made, step_labels
from sealift.kubernetes.porter import LOGIN, PORTER, key, volume
from sealift.kubernetes.task import Task, marks, plain
from sealift.types import Json

STEP = "step"
"""The container of the command in a step's pod."""

JOB_LABEL = "sealift.job"
NOTE = "sealift.container"
"""The annotation with what a container is, as it was given."""

STAYS = 3 * 86_400
"""Seconds for which a Job that ended waits to be found."""

_ARRIVAL = 1800
"""Seconds that a pod has besides until its container runs: the cluster counts from the beginning of
the pod, for when nobody watches."""

_END = 30
"""Seconds that a program gets to end when its pod is taken away: to write a checkpoint, say."""


def objects(task: Task, place: Place) -> list[Object]:
    """What a step is made of, in the order in which to apply it: the Job last."""
    found = [_claim(task, place)] if _claimed(task, place) else []
    if task.secrets:
        found.append(_secret(task, place))
    found += [_policy(task, place), job(task, place)]
    return found


def _labels(task: Task) -> dict[str, str]:
    return {
        **step_labels(task.project),
        JOB_LABEL: task.name,
        **marks(task.note.labels),
    }


def _made(kind: str, api: str, name: str, task: Task, place: Place) -> Object:
    one = made(kind, api, name, place, _labels(task))
    metadata = one["metadata"]
    assert isinstance(metadata, dict)
    metadata["annotations"] = {NOTE: msgspec.json.encode(task.note).decode()}
    return one


def _claimed(task: Task, place: Place) -> bool:
    """Whether a step has a claim."""
    if place.settings.store.place is None:
        return task.writes
    return bool(task.lasting) and porters.apart(place)


def _claim(task: Task, place: Place) -> Object:
    settings = place.settings.store
    size = settings.size.removesuffix("B")
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
    }
    if settings.storage_class:
        spec["storageClassName"] = settings.storage_class
    return {**_made("PersistentVolumeClaim", "v1", task.name, task, place), "spec": spec}


def _secret(task: Task, place: Place) -> Object:
    data: Json = {
        name: base64.b64encode(value.encode()).decode() for name, value in task.secrets.items()
    }
    return {**_made("Secret", "v1", task.name, task, place), "type": "Opaque", "data": data}


def _policy(task: Task, place: Place) -> Object:
    """Nothing comes in; nothing goes out either, unless the step asks for the network.

    With a bucket, what goes out is what leads there.
    """
    policy = _made("NetworkPolicy", "networking.k8s.io/v1", task.name, task, place)
    kinds: list[Json] = ["Ingress"] if task.network else ["Ingress", "Egress"]
    spec: Object = {
        "podSelector": {"matchLabels": {JOB_LABEL: task.name, _PART: STEP}},
        "policyTypes": kinds,
    }
    bucket = place.settings.store.place
    if bucket and not task.network:
        spec["egress"] = porters.ways(bucket)
    return {**policy, "spec": spec}


_PART = "sealift.part"


def job(task: Task, place: Place) -> Object:
    """The Job of a step: one pod, that is replaced only where the cluster took it away."""
    pod = _pod(task, place, STEP)
    spec = pod["spec"]
    assert isinstance(spec, dict)
    before: list[Json] = [porters.before(task, place)] if task.mounts else []
    if beside := porters.beside(task, place):
        before.append(beside)
    step = _step(task, place)
    if task.writes and place.settings.store.place:
        before.append(step)
        spec["containers"] = [porters.after(task, place)]
    else:
        spec["containers"] = [step]
    if before:
        spec["initContainers"] = before
    spec["volumes"] = _volumes(task, place)
    if task.hostname:
        spec["hostname"] = task.hostname
    if task.seconds:
        spec["activeDeadlineSeconds"] = math.ceil(task.seconds) + _ARRIVAL
    if task.gpus:
        spec["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    return _job(task.name, task, place, pod, again=0)


def sender(task: Task, place: Place) -> Object:
    """The Job that sends what a step wrote to the registry."""
    pod = _pod(task, place, PORTER)
    spec = pod["spec"]
    assert isinstance(spec, dict)
    porter = porters.sender(task, place)
    mounted = porter["volumeMounts"]
    assert isinstance(mounted, list)
    volumes: list[Json] = [_kept(task, place), {"name": "tmp", "emptyDir": {}}]
    name = place.settings.push_secret or place.settings.pull_secret
    if name:
        item: Json = {"key": ".dockerconfigjson", "path": "config.json"}
        volumes.append({"name": "login", "secret": {"secretName": name, "items": [item]}})
        mounted.append({"name": "login", "mountPath": LOGIN, "readOnly": True})
    spec["containers"] = [porter]
    spec["volumes"] = volumes
    return _job(task.outbound, task, place, pod, again=3)


def _job(name: str, task: Task, place: Place, pod: Object, *, again: int) -> Object:
    disrupted: Object = {"type": "DisruptionTarget", "status": "True"}
    spec: Object = {
        "backoffLimit": again,
        "podReplacementPolicy": "Failed",
        # a drained node is no fault of the step
        "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [disrupted]}]},
        "ttlSecondsAfterFinished": STAYS,
        "template": pod,
    }
    return {**_made("Job", "batch/v1", name, task, place), "spec": spec}


def _pod(task: Task, place: Place, part: str) -> Object:
    settings = place.settings
    spec: Object = {
        "restartPolicy": "Never",
        **restricted.pod(),
        "terminationGracePeriodSeconds": _END,
        "nodeSelector": {"kubernetes.io/os": "linux", "kubernetes.io/arch": task.architecture},
    }
    if settings.pull_secret:
        spec["imagePullSecrets"] = [{"name": settings.pull_secret}]
    labels: Json = {**settings.labels, **_labels(task), _PART: part}
    return {"metadata": {"labels": labels}, "spec": spec}


def _step(task: Task, place: Place) -> Object:
    env: list[Json] = [
        {"name": name, "value": plain(value)} for name, value in sorted(task.env.items())
    ]
    for name in sorted(task.secrets):
        source: Json = {"secretKeyRef": {"name": task.name, "key": name}}
        env.append({"name": name, "valueFrom": source})
    return {
        "name": STEP,
        "image": task.image,
        "command": list(map(plain, task.argv)),
        "workingDir": task.workdir,
        "env": env,
        "resources": _resources(task),
        "securityContext": restricted.container(),
        "volumeMounts": _mounted(task, place),
    }


def _resources(task: Task) -> Object:
    amounts: Object = {}
    if task.cpus:
        amounts["cpu"] = f"{max(1, round(task.cpus * 1000))}m"
    if task.memory:
        amounts["memory"] = str(task.memory)
    if isinstance(task.gpus, int) and task.gpus:
        amounts["nvidia.com/gpu"] = task.gpus
    return {"requests": dict(amounts), "limits": amounts} if amounts else {}


def _mounted(task: Task, place: Place) -> list[Json]:
    mounted: list[Json] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    for number, path in enumerate(task.scratch):
        mounted.append({"name": f"scratch-{number}", "mountPath": path})
    for one in task.mounts:
        name = volume(one, apart=porters.apart(place)).removeprefix("/")
        where: Object = {"name": name, "mountPath": one.target, "subPath": key(one.target)}
        mounted.append(where if one.writable else {**where, "readOnly": True})
    return mounted


def _volumes(task: Task, place: Place) -> list[Json]:
    scratch = [f"scratch-{number}" for number in range(len(task.scratch))]
    volumes: list[Json] = [{"name": name, "emptyDir": {}} for name in ("tmp", "inputs", *scratch)]
    if task.lasting and porters.apart(place):
        volumes.insert(0, _claimed_volume("lasting", task))
    if task.writes:
        volumes.insert(0, _kept(task, place))
    return volumes


def _kept(task: Task, place: Place) -> Object:
    """What a step writes: on its claim, or on its node until it was left in the bucket."""
    if place.settings.store.place is None:
        return _claimed_volume("kept", task)
    return {"name": "kept", "emptyDir": {"sizeLimit": place.settings.store.size.removesuffix("B")}}


def _claimed_volume(name: str, task: Task) -> Object:
    return {"name": name, "persistentVolumeClaim": {"claimName": task.name}}


__all__ = ["JOB_LABEL", "NOTE", "STEP", "job", "objects", "sender"]
