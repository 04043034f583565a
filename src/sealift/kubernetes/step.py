"""A step in a cluster: a Job with its claim, its secrets and its way to the network.

Its inputs are layers of the image of a porter, whose container lays them out before the step's
begins; what it writes is on a claim, from where a second Job with the same porter sends it. So the
pod of the step has no credentials, and needs no network.
Source: Kubernetes, "Jobs", "Pod failure policy"; "Restricted" of the Pod Security Standards.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping

import msgspec

from sealift.digest import of_bytes
from sealift.kubernetes import restricted
from sealift.kubernetes.objects import Object, Place, made, step_labels
from sealift.record.container import Cards, Mount
from sealift.types import Digest, Json

STEP, PORTER = "step", "porter"
"""The containers of a step's pod: the command, and what lays out its inputs before."""

KEPT, INPUTS, GIVEN, LOGIN = "/kept", "/inputs", "/in", "/login"
"""Where a porter finds the claim, the volume of inputs, its own layers and the credentials."""

TOLD = "/told"
"""The file that a porter leaves its message in."""

JOB_LABEL = "sealift.job"
NOTE = "sealift.container"
"""The annotation with what a container is, as it was given."""

PATH = "sealift.path"
"""The annotation of a layer of outputs: where the step wrote what is in it."""

STAYS = 3 * 86_400
"""Seconds for which a Job that ended waits to be found."""

_ARRIVAL = 1800
"""Seconds that a pod has besides until its container runs: the cluster counts from the beginning of
the pod, for when nobody watches."""

_END = 30
"""Seconds that a program gets to end when its pod is taken away: to write a checkpoint, say."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a container is, as it was asked for."""

    name: str
    image: Digest
    labels: dict[str, str]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A container that is to run in a cluster, as far as objects tell of it.

    ``image`` and ``porter`` are full references by digest; ``python`` begins the porter's command.
    ``repository`` is where its outputs are sent, which speaks plain HTTP if it is ``plain``.
    """

    name: str
    project: str
    image: str
    porter: str
    python: tuple[str, ...]
    repository: str
    plain: bool
    architecture: str
    argv: tuple[str, ...]
    env: dict[str, str]
    secrets: dict[str, str]
    mounts: tuple[Mount, ...]
    scratch: tuple[str, ...]
    wanted: tuple[str, ...]
    workdir: str
    hostname: str
    network: bool
    cpus: float | None
    memory: int | None
    gpus: Cards
    seconds: float | None
    note: Note

    @property
    def writes(self) -> bool:
        """Whether it writes anything that outlives it."""
        return any(one.writable for one in self.mounts)

    @property
    def outbound(self) -> str:
        """What the Job is called that sends its outputs."""
        return f"{self.name}-out"


def key(target: str) -> str:
    """What the content of a mount is called in layers and volumes."""
    return of_bytes(target.encode())[7:19]


def mark(value: str) -> str:
    """A text as the value of a label: itself where it may be one.

    >>> mark("a-1"), mark("sha256:0")
    ('a-1', 'x-ddadc6908c781f027b323fc0')
    """
    plain = value.replace("-", "").replace("_", "").replace(".", "")
    fits = plain.isascii() and plain.isalnum() and len(value) <= 63
    if fits and value[0].isalnum() and value[-1].isalnum():
        return value
    return f"x-{of_bytes(value.encode())[7:31]}"


def marks(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of a container as a cluster can look for them."""
    return {name: mark(value) for name, value in labels.items()}


def objects(task: Task, place: Place) -> list[Object]:
    """What a step is made of, in the order in which to apply it: the Job last."""
    found = [_claim(task, place)] if task.writes else []
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
    """Nothing comes in; nothing goes out either, unless the step asks for the network."""
    policy = _made("NetworkPolicy", "networking.k8s.io/v1", task.name, task, place)
    kinds: list[Json] = ["Ingress"] if task.network else ["Ingress", "Egress"]
    spec: Object = {
        "podSelector": {"matchLabels": {JOB_LABEL: task.name, _PART: STEP}},
        "policyTypes": kinds,
    }
    return {**policy, "spec": spec}


_PART = "sealift.part"


def job(task: Task, place: Place) -> Object:
    """The Job of a step: one pod, that is replaced only where the cluster took it away."""
    pod = _pod(task, place, STEP)
    spec = pod["spec"]
    assert isinstance(spec, dict)
    if task.mounts:
        spec["initContainers"] = [_porter(task, ["sealift.porter.lay", _plan(task)], INPUTS)]
    spec["containers"] = [_step(task)]
    spec["volumes"] = _volumes(task)
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
    porter = _porter(task, ["sealift.porter.send", _outputs(task)], LOGIN)
    mounted = porter["volumeMounts"]
    assert isinstance(mounted, list)
    volumes: list[Json] = [_kept(task), {"name": "tmp", "emptyDir": {}}]
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


def _porter(task: Task, words: list[str], beside: str) -> Object:
    env: list[Json] = [{"name": "HOME", "value": "/tmp"}]  # noqa: S108 -- the container's own
    mounted: list[Json] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    if task.writes:
        mounted.append({"name": "kept", "mountPath": KEPT})
    if beside == INPUTS:
        mounted.append({"name": "inputs", "mountPath": INPUTS})
    else:
        env.append({"name": "DOCKER_CONFIG", "value": LOGIN})
    return {
        "name": PORTER,
        "image": task.porter,
        "command": [*map(plain, task.python), *map(plain, words)],
        "workingDir": "/",
        "env": env,
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "1", "memory": "512Mi"},
        },
        "securityContext": restricted.container(),
        "terminationMessagePath": TOLD,
        "volumeMounts": mounted,
    }


def _step(task: Task) -> Object:
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
        "volumeMounts": _mounted(task),
    }


def plain(word: str) -> str:
    """A word of which a cluster takes nothing for a variable of its own.

    >>> plain("echo $(date) $$")
    'echo $$(date) $$$$'
    """
    return word.replace("$", "$$")


def _resources(task: Task) -> Object:
    amounts: Object = {}
    if task.cpus:
        amounts["cpu"] = f"{max(1, round(task.cpus * 1000))}m"
    if task.memory:
        amounts["memory"] = str(task.memory)
    if isinstance(task.gpus, int) and task.gpus:
        amounts["nvidia.com/gpu"] = task.gpus
    return {"requests": dict(amounts), "limits": amounts} if amounts else {}


def _mounted(task: Task) -> list[Json]:
    mounted: list[Json] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    for number, path in enumerate(task.scratch):
        mounted.append({"name": f"scratch-{number}", "mountPath": path})
    for one in task.mounts:
        where: Object = {"mountPath": one.target, "subPath": key(one.target)}
        if one.writable:
            mounted.append({"name": "kept", **where})
        else:
            mounted.append({"name": "inputs", **where, "readOnly": True})
    return mounted


def _volumes(task: Task) -> list[Json]:
    names: list[str] = [
        "tmp",
        "inputs",
        *(f"scratch-{number}" for number in range(len(task.scratch))),
    ]
    volumes: list[Json] = [{"name": name, "emptyDir": {}} for name in names]
    return [*([_kept(task)] if task.writes else []), *volumes]


def _kept(task: Task) -> Object:
    return {"name": "kept", "persistentVolumeClaim": {"claimName": task.name}}


def _plan(task: Task) -> str:
    """What the porter lays out: from its layers to volumes, and whether it may be there."""
    return json.dumps(
        [
            {
                "source": f"{GIVEN}/{key(one.target)}",
                "target": f"{KEPT if one.writable else INPUTS}/{key(one.target)}",
                "lasting": one.lasting,
            }
            for one in task.mounts
        ]
    )


def _outputs(task: Task) -> str:
    """What the porter sends: paths as the step saw them, and where they are on the claim."""
    writable = sorted((one.target for one in task.mounts if one.writable), key=len, reverse=True)
    found: dict[str, Json] = {}
    for path in task.wanted or writable:
        top = next((one for one in writable if path == one or path.startswith(f"{one}/")), None)
        if top is not None:
            found[path] = [f"{KEPT}/{key(top)}", path[len(top) :].strip("/")]
    sent: Json = {"to": task.repository, "plain": task.plain, "paths": found}
    return json.dumps(sent)


__all__ = [
    "GIVEN",
    "INPUTS",
    "JOB_LABEL",
    "KEPT",
    "NOTE",
    "PATH",
    "PORTER",
    "STEP",
    "TOLD",
    "Note",
    "Task",
    "job",
    "key",
    "mark",
    "marks",
    "objects",
    "plain",
    "sender",
]
