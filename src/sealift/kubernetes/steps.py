"""How a step in a cluster goes on: from its Job, its pods and what was noted of them.

Source: Kubernetes, API reference of JobStatus, PodStatus; the reasons of the kubelet.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sealift.kubernetes.objects import Object
from sealift.kubernetes.pods import Trouble, ending, trouble
from sealift.kubernetes.porter import OPEN, PORTER, SENDER, SHUT
from sealift.kubernetes.reading import condition, count, entries, instant, part, text, title
from sealift.kubernetes.step import STEP
from sealift.record.container import Exit

KILLED = 137


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """How far a Job is: in words, the pod that tells, and how it ended.

    ``speaks`` says that the pod's container runs or has run, so that it has a log, ``since`` from
    when on it runs, in seconds since 1970, 0 before that. A Job that is ``leaving`` was removed. It
    is ``lost`` when its pod was taken away, so that nobody knows how it would have ended. ``said``
    is what its last container left as its message. It is ``over`` when the container has ended and
    others of its pod have not. ``shut`` says whether the pod was found to be kept from the network,
    None where nobody looked.
    """

    told: str
    pod: str = ""
    speaks: bool = False
    since: float = 0.0
    leaving: bool = False
    ended: Exit | None = None
    lost: bool = False
    said: str = ""
    over: bool = False
    shut: bool | None = None
    trouble: Trouble | None = None


def judge(job: Object, pods: Sequence[Object], container: str = STEP) -> Going:
    """How far a Job is whose pods' main container is called so."""
    newest = max(pods, key=_age, default=None)
    found = _judged(job, newest, container)
    return msgspec.structs.replace(found, shut=_shut(newest))


def _judged(job: Object, newest: Object | None, container: str) -> Going:
    name = text(newest, "metadata", "name")
    status = _status(newest, container)
    ended = part(status, "state", "terminated")
    speaks = bool(part(status, "state", "running") or ended)
    said = text(part(_status(newest, SENDER), "state", "terminated") or ended, "message")
    if condition(job, "Complete").get("status") == "True":
        exited = _exit(newest, ended) if ended else Exit(status=0, seconds=0.0)
        return Going(told="done", pod=name, speaks=speaks, ended=exited, said=said)
    if condition(job, "Failed").get("status") == "True":
        return _failed(job, newest, ended, name=name, speaks=speaks, said=said)
    if text(job, "metadata", "deletionTimestamp"):
        return Going(told="being removed", pod=name, leaving=True)
    if ended and _status(newest, SENDER):
        return Going(told="leaves its outputs", pod=name, speaks=True, over=True)
    if newest is None or text(newest, "status", "phase") in ("Failed", "Succeeded"):
        return Going(told="running" if speaks else "waits for a pod", pod=name, speaks=speaks)
    if speaks:
        began = instant(status, "state", "running", "startedAt")
        word = "running"
        if ending(newest):  # where its node is away it stays so until somebody sees to the node
            word = f"waits until {text(newest, 'spec', 'nodeName') or 'its node'} has ended its pod"
        return Going(told=word, pod=name, speaks=True, since=began, over=bool(ended))
    return Going(told=_waiting(newest), pod=name, trouble=_trouble(newest))


def _shut(pod: Object | None) -> bool | None:
    """What the porter of a step found of its network."""
    found = text(_status(pod, PORTER), "state", "terminated", "message")
    return {SHUT: True, OPEN: False}.get(found)


def _failed(
    job: Object, pod: Object | None, ended: object, *, name: str, speaks: bool, said: str
) -> Going:
    if pod is None or _taken(pod):
        return Going(told="its pod was taken away", pod=name, speaks=speaks, lost=True)
    if text(pod, "status", "reason") == "DeadlineExceeded":
        late = Exit(status=KILLED, seconds=0.0, timed_out=True)
        return Going(told="out of time", pod=name, speaks=speaks, ended=late)
    if unsent := _unsent(pod, ended):
        return Going(told="failed", pod=name, speaks=speaks, trouble=unsent)
    if isinstance(ended, dict):
        return Going(told="failed", pod=name, speaks=speaks, ended=_exit(pod, ended), said=said)
    return Going(told="failed", pod=name, trouble=_porter(pod) or _ended(job, pod))


def _unsent(pod: Object, ended: object) -> Trouble | None:
    """The outputs of a step that ended well could not be left in the bucket."""
    after = part(_status(pod, SENDER), "state", "terminated")
    well = isinstance(ended, dict) and count(ended, "exitCode") == 0
    if not well or not isinstance(after, dict) or count(after, "exitCode") == 0:
        return None
    said = " ".join(text(after, "message").split()) or text(after, "reason") or "it says no more"
    return Trouble(
        what=f"The outputs of the step could not be left in the bucket: {said}",
        where=f"pod {text(pod, 'metadata', 'name')}",
        remedy="Mend that, and run `sealift train` again; what is in checkpoints is kept.",
        crashed=text(pod, "metadata", "name"),
    )


def _taken(pod: Object) -> bool:
    """Whether a pod was ended from outside: removed, drained, preempted."""
    return ending(pod) or condition(pod, "DisruptionTarget").get("status") == "True"


def _exit(pod: Object | None, ended: object) -> Exit:
    said = ended if isinstance(ended, dict) else {}
    reason, message = text(said, "reason"), text(said, "message")
    late = text(pod, "status", "reason") == "DeadlineExceeded"
    return Exit(
        status=_unstartable(reason, message) or count(said, "exitCode"),
        seconds=max(0.0, instant(said, "finishedAt") - instant(said, "startedAt")),
        timed_out=late,
        out_of_memory=reason == "OOMKilled",
    )


def _unstartable(reason: str, message: str) -> int:
    """The status that a shell has for a program that cannot be started, 0 for one that was."""
    if reason not in ("StartError", "ContainerCannotRun"):
        return 0
    missing = "executable file not found" in message or "no such file" in message
    return 127 if missing else 126


def _waiting(pod: Object) -> str:
    placed = condition(pod, "PodScheduled")
    if "PersistentVolumeClaim" in text(placed, "message"):
        return "waits for its claim"
    if placed.get("status") != "True":
        return "waits for a node"
    for one in entries(pod, "status", "initContainerStatuses"):
        if one.get("name") == PORTER and part(one, "state", "running"):
            return "lays out its inputs"
    return "is being started"


def _trouble(pod: Object) -> Trouble | None:
    """What keeps a pod from running; the porter's container counts as the step's."""
    placed = text(condition(pod, "PodScheduled"), "message")
    if "PersistentVolumeClaim" in placed:
        return Trouble(
            what=f"The claim of the step gets no volume: {' '.join(placed.split())}",
            where=f"pod {text(pod, 'metadata', 'name')}",
            remedy="See `kubectl describe pvc` there, and store.storage_class of the environment.",
            patience=20.0,
        )
    own = trouble(pod)
    first = entries(pod, "status", "initContainerStatuses")
    status = part(pod, "status")
    if own is None and first and isinstance(status, dict):
        own = trouble({**pod, "status": {**status, "containerStatuses": [*first]}})
    return own and msgspec.structs.replace(
        own,
        what=own.what.replace("a server", "the step"),
        remedy=own.remedy.replace("replicas", "gpus of the step"),
    )


def _porter(pod: Object) -> Trouble | None:
    """The inputs could not be laid out."""
    ended = part(_status(pod, PORTER), "state", "terminated")
    if not isinstance(ended, dict) or count(ended, "exitCode") == 0:
        return None
    said = " ".join(text(ended, "message").split()) or text(ended, "reason") or "it says no more"
    return Trouble(
        what=f"The inputs of the step could not be laid out: {said}",
        where=f"pod {text(pod, 'metadata', 'name')}",
        remedy="See that there is room (store.size), or what store says of the bucket.",
        crashed=text(pod, "metadata", "name"),
    )


def _ended(job: Object, pod: Object) -> Trouble:
    reason = text(pod, "status", "reason") or text(condition(job, "Failed"), "reason")
    said = " ".join((text(pod, "status", "message") or "it says no more").split())
    return Trouble(
        what=f"The step was ended by the cluster ({reason}): {said}",
        where=title(job),
        remedy="See `kubectl describe` of the Job and its pod.",
    )


def unmade(job: Object, events: Sequence[Object]) -> Trouble | None:
    """Why there is no pod of a Job, by what the cluster noted of it."""
    refused = [one for one in events if text(one, "reason") == "FailedCreate"]
    if not refused:
        return None
    said = " ".join(text(max(refused, key=_noted), "message").split())
    if "exceeded quota" in said:
        return Trouble(
            what=f"The quota of the namespace leaves no room for the step: {said}",
            where=title(job),
            remedy="Have the quota raised, wait for other steps, or ask for less with cpus or "
            "memory of the step.",
            patience=20.0,
        )
    rule = "Pod Security" if "violates PodSecurity" in said else "admission"
    return Trouble(
        what=f"The cluster refuses the step's pod ({rule}): {said}",
        where=title(job),
        remedy="Have the rule changed, or the settings of the environment.",
        patience=2.0,
    )


def _noted(event: Object) -> str:
    return text(event, "lastTimestamp") or text(event, "eventTime")


def _age(pod: Object) -> tuple[str, str]:
    return text(pod, "metadata", "creationTimestamp"), text(pod, "metadata", "name")


def _status(pod: Object | None, container: str) -> Object:
    for field in ("containerStatuses", "initContainerStatuses"):
        for one in entries(pod, "status", field):
            if one.get("name") == container:
                return one
    return {}


__all__ = ["KILLED", "Going", "judge", "unmade"]
