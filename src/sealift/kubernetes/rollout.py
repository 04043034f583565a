"""Whether the servers of a version are there: from a Deployment, its ReplicaSets and its pods.

Source: Kubernetes, "Deployment status"; the conditions Progressing and ReplicaFailure.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sealift.kubernetes.objects import MANAGER, Object
from sealift.kubernetes.pods import Trouble, ready, trouble
from sealift.kubernetes.reading import condition, count, entries, part, text

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a rollout is: servers of the newest template that are ready, of those wanted."""

    ready: int
    wanted: int
    done: bool
    trouble: Trouble | None = None

    @property
    def told(self) -> str:
        """In a few words."""
        return f"{self.ready} of {self.wanted} ready"


def judge(deployment: Object, replicas: Sequence[Object], pods: Sequence[Object]) -> Standing:
    """How far the rollout of a deployment is, and what is in its way.

    ``replicas`` and ``pods`` are those that its selector finds. Only pods of its newest template
    count: those of an older one may be what it is to mend.
    """
    wanted = _wanted(deployment)
    if text(deployment, "metadata", "deletionTimestamp"):
        return Standing(ready=0, wanted=wanted, done=False, trouble=_leaving(deployment))
    if count(deployment, "status", "observedGeneration") < count(
        deployment, "metadata", "generation"
    ):
        return Standing(ready=0, wanted=wanted, done=False)
    newest = _newest(deployment, replicas)
    own = [one for one in pods if newest and _label(one, _HASH) == newest]
    serving = sum(map(ready, own))
    updated = count(deployment, "status", "updatedReplicas")
    available = count(deployment, "status", "availableReplicas")
    total = count(deployment, "status", "replicas")
    done = updated >= wanted and available >= wanted and total == updated
    found = None if done else _refused(deployment) or _first(own) or _late(deployment)
    return Standing(
        ready=max(serving, wanted if done else 0), wanted=wanted, done=done, trouble=found
    )


def numbered(wanted: Object, live: Object | None) -> Object:
    """A Deployment as it is to be applied where an autoscaler is to take its number over.

    Who no longer applies a number that it owns has it set back to 1. So the present one is kept
    until the autoscaler has changed it, and so owns it.
    """
    spec = part(wanted, "spec")
    number = part(live, "spec", "replicas")
    if not isinstance(spec, dict) or "replicas" in spec or number is None:
        return wanted
    mine = [one for one in entries(live, "metadata", "managedFields") if _holds(one)]
    return {**wanted, "spec": {**spec, "replicas": number}} if mine else wanted


def _holds(one: Object) -> bool:
    fields = part(one, "fieldsV1", "f:spec")
    return text(one, "manager") == MANAGER and isinstance(fields, dict) and "f:replicas" in fields


def _wanted(deployment: Object) -> int:
    number = part(deployment, "spec", "replicas")
    return number if isinstance(number, int) else 1


def _newest(deployment: Object, replicas: Sequence[Object]) -> str:
    """What the pods of the newest template are labelled with; empty before there are any."""
    uid = text(deployment, "metadata", "uid")
    revision = text(deployment, "metadata", "annotations", _REVISION)
    for one in replicas:
        mine = uid in {text(each, "uid") for each in entries(one, "metadata", "ownerReferences")}
        if mine and text(one, "metadata", "annotations", _REVISION) == revision:
            return _label(one, _HASH)
    return ""


def _label(one: Object, name: str) -> str:
    return text(one, "metadata", "labels", name)


def _first(pods: Sequence[Object]) -> Trouble | None:
    """The trouble that is surest among all pods'."""
    found = [one for one in map(trouble, pods) if one]
    return min(found, key=lambda one: one.patience, default=None)


def _refused(deployment: Object) -> Trouble | None:
    """The cluster makes no pod: quota, admission, a limit of the namespace."""
    failure = condition(deployment, "ReplicaFailure")
    if failure.get("status") != "True":
        return None
    said = " ".join(text(failure, "message").split())
    where = f"deployment {text(deployment, 'metadata', 'name')}"
    if "exceeded quota" in said:
        return Trouble(
            what=f"The quota of the namespace leaves no room for a server: {said}",
            where=where,
            remedy="Have the quota raised, end older versions with `sealift down --env ... "
            "--model N`, or ask for less with cpus, memory or replicas.",
            patience=5.0,  # an older pod may be giving its share back
        )
    rule = "Pod Security" if "violates PodSecurity" in said else "admission"
    return Trouble(
        what=f"The cluster refuses the servers ({rule}): {said}",
        where=where,
        remedy="Have the rule changed, or the settings of the environment.",
        patience=2.0,
    )


def _leaving(deployment: Object) -> Trouble:
    return Trouble(
        what="The servers are being removed.",
        where=f"deployment {text(deployment, 'metadata', 'name')}",
        remedy="Wait until they are gone, and release again.",
    )


def _late(deployment: Object) -> Trouble | None:
    progress = condition(deployment, "Progressing")
    if progress.get("status") != "False":
        return None
    return Trouble(
        what="The servers did not become ready in the time that they have.",
        where=f"deployment {text(deployment, 'metadata', 'name')}",
        remedy="See `kubectl logs` and `kubectl describe` of its pods.",
    )


__all__ = ["Standing", "judge", "numbered"]
