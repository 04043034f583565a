"""What the state of a pod means: whether a server is ready, or what keeps it from being so.

Source: Kubernetes, API reference of PodStatus; the reasons that the kubelet gives (images and
containers) and the scheduler.
"""

from __future__ import annotations

import msgspec

from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import condition, count, entries, part, text

AGAIN = 2
"""Restarts after an error that are no accident any more."""

_PULL = {"ErrImagePull", "ImagePullBackOff"}
_NEVER = {"InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps servers from being ready, and what to do about it.

    ``patience`` is for how many seconds it may pass by itself before it counts; ``crashed`` names
    a pod whose last lines tell more.
    """

    what: str
    remedy: str
    where: str = ""
    patience: float = 0.0
    crashed: str = ""


def ready(pod: Object) -> bool:
    """Whether a pod gets requests."""
    return not ending(pod) and condition(pod, "Ready").get("status") == "True"


def ending(pod: Object) -> bool:
    """Whether a pod was told to end."""
    return bool(text(pod, "metadata", "deletionTimestamp"))


def restarts(pod: Object) -> int:
    """How often containers of a pod were started again."""
    return sum(count(one, "restartCount") for one in entries(pod, "status", "containerStatuses"))


def trouble(pod: Object) -> Trouble | None:
    """What is wrong with a pod; None where nothing is, or it is ending anyway."""
    if ending(pod):
        return None
    return _scheduling(pod) or _ended(pod) or _containers(pod)


def _scheduling(pod: Object) -> Trouble | None:
    placed = condition(pod, "PodScheduled")
    if placed.get("status") != "False" or placed.get("reason") != "Unschedulable":
        return None
    return Trouble(
        what=f"No node has room for a server: {_line(text(placed, 'message'))}",
        where=_where(pod),
        remedy="Add or free nodes, or ask for less with cpus, memory or replicas.",
        patience=20.0,  # an autoscaler of nodes may be at it
    )


def _ended(pod: Object) -> Trouble | None:
    if text(pod, "status", "phase") != "Failed":
        return None
    said = text(pod, "status", "message") or "it says no more"
    return Trouble(
        what=f"A server was ended by the cluster ({text(pod, 'status', 'reason')}): {_line(said)}",
        where=_where(pod),
        remedy="Look at the node with `kubectl describe`; a new server is made meanwhile.",
        patience=20.0,
    )


def _containers(pod: Object) -> Trouble | None:
    for one in entries(pod, "status", "containerStatuses"):
        if found := _waiting(pod, one) or _crashing(pod, one):
            return found
    return None


def _waiting(pod: Object, one: Object) -> Trouble | None:
    reason = text(one, "state", "waiting", "reason")
    said = _line(text(one, "state", "waiting", "message"))
    image = text(one, "image") or _where(pod)
    if reason in _NEVER or reason in _PULL:
        remedy, patience = _pulling(said)
        return Trouble(
            what=f"The cluster cannot pull the image ({reason}): {said}",
            where=image,
            remedy=remedy,
            patience=patience if reason == "ErrImagePull" else 0.0,
        )
    if reason in _CONFIG:
        return Trouble(
            what=f"The cluster cannot start the container ({reason}): {said}",
            where=_where(pod),
            remedy="See `kubectl describe pod` there.",
            # after its API was away a node needs a while until it has caught up
            patience=30.0 if "failed to sync" in said or "timed out" in said else 5.0,
        )
    return None


def _pulling(said: str) -> tuple[str, float]:
    """What to do about an image that is not pulled, and for how long it may come right.

    A node tries again after 10 seconds and more; what a registry answered stays so until then.
    """
    for words, remedy, patience in _PULLED:
        if any(word in said for word in words):
            return remedy, patience
    return _PUSH, 10.0


_PUSH = (
    "Push it with `sealift package --push`; where the registry asks who pulls, name a secret with "
    "pull_secret."
)
_PULLED = [
    (
        ("nauthorized", "Forbidden", "denied", "authentication required"),
        "Name a secret with pull_secret that may pull from there.",
        2.0,
    ),
    (
        ("no such host", "dial tcp", "i/o timeout", "x509", "tls:", "server gave HTTP"),
        "See that the nodes reach the registry by that name and trust it, or change registry.",
        10.0,
    ),
    (
        ("not found", "NotFound", "manifest unknown"),
        "Push it with `sealift package --push` to the registry of the environment.",
        2.0,
    ),
]
"""By words of containerd and of registries."""


def _crashing(pod: Object, one: Object) -> Trouble | None:
    last = _last_end(one)
    waits = text(one, "state", "waiting", "reason") == "CrashLoopBackOff"
    restarts = count(one, "restartCount")
    if text(last, "reason") == "OOMKilled":
        return Trouble(
            what="A server used more memory than it may, and was killed.",
            where=_where(pod),
            remedy="Give it more with memory in the environment's settings.",
        )
    if not waits and restarts < AGAIN:
        return None
    status = count(last, "exitCode")
    again = "once" if restarts == 1 else f"{restarts} times"
    return Trouble(
        what=f"A server ended with status {status} and was started again {again}.",
        where=_where(pod),
        remedy="Its last lines say why; `sealift check` runs the same image here.",
        crashed=text(pod, "metadata", "name"),
    )


def _last_end(one: Object) -> Object:
    for state in ("lastState", "state"):
        ended = part(one, state, "terminated")
        if isinstance(ended, dict):
            return ended
    return {}


def _where(pod: Object) -> str:
    return f"pod {text(pod, 'metadata', 'name')}"


def _line(said: str) -> str:
    """A message as the end of a sentence."""
    said = " ".join(said.split())
    return said if said.endswith((".", "!")) else f"{said or 'no reason is given'}."


__all__ = ["AGAIN", "Trouble", "ending", "ready", "restarts", "trouble"]
