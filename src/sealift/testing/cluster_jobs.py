"""Jobs in a cluster in memory: a controller that makes their pods, and a node that runs them.

Source: Kubernetes, "Jobs": pod failure policy, replacement of pods, finalizers of tracked pods.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Literal, TypeAlias

from sealift import clock, process
from sealift.kubernetes.kinds import JOB, POD, Kind
from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import condition, count, entries, part, text
from sealift.testing.cluster import ClusterState, Key
from sealift.testing.cluster_control import Controller
from sealift.testing.cluster_pods import Node, PodRun
from sealift.testing.cluster_workers import REFUSED
from sealift.types import Json

JobFate: TypeAlias = Literal["run", "unschedulable", "quota", "security"]
TRACKED = "batch.kubernetes.io/job-tracking"
_NAMED = "batch.kubernetes.io/job-name"


class JobWorkers(Controller):
    """A context manager that runs the Jobs of a state on a node; ``fates`` is by name of a Job.

    What runs when it ends is killed.
    """

    def __init__(self, state: ClusterState, node: Node) -> None:
        super().__init__(state)
        self.node = node
        self.fates: dict[str, JobFate] = {}
        self.fate: JobFate = "run"
        self._runs: dict[str, PodRun] = {}

    def __exit__(self, *found: object) -> None:
        super().__exit__(*found)
        for run in self._runs.values():
            while run.thread.is_alive():
                self._kill(run)
                run.thread.join(0.05)

    def become(self, fate: JobFate) -> None:
        """Change what becomes of all Jobs without a fate of their own, at once."""
        with self.state.changed:
            self.fate = fate
            self.state.changed.notify_all()

    def pods(self, name: str) -> list[Object]:
        """The pods of a Job."""
        with self.state.changed:
            return [
                one
                for key, one in self.state.objects.items()
                if key.kind == POD and text(one, "metadata", "labels", _NAMED) == name
            ]

    def evict(self, name: str) -> None:
        """Take the pods of a Job away as the drain of a node does."""
        for pod in self.pods(name):
            with self.state.changed:
                disrupted: Json = {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "EvictionByEvictionAPI",
                }
                status = part(pod, "status")
                told: Object = dict(status) if isinstance(status, dict) else {}
                told["conditions"] = [*entries(pod, "status", "conditions"), disrupted]
                self.state.create({**pod, "status": told})
                self.state.delete(_key(pod))

    def look(self) -> None:
        """Look after all Jobs and their pods."""
        for key in list(self.state.objects):
            if key.kind == JOB and key in self.state.objects:
                self._job(key, self.state.objects[key])
            elif key.kind == POD and key in self.state.objects:
                self._pod(key, self.state.objects[key])

    def breath(self) -> float | None:
        """While a pod is killed, that has to be seen."""
        return 0.05 if self._killing() else None

    def _killing(self) -> bool:
        """Whether a pod was told to end that has not ended."""
        return any(
            key.kind == POD
            and text(one, "metadata", "deletionTimestamp")
            and text(one, "metadata", "uid") in self._runs
            for key, one in self.state.objects.items()
        )

    def _job(self, key: Key, job: Object) -> None:
        pods = self._own(job)
        if text(job, "metadata", "deletionTimestamp"):
            self._end(key, job, pods)
        elif not _over(job):
            self._go_on(key, job, pods)

    def _end(self, key: Key, job: Object, pods: list[Object]) -> None:
        for pod in pods:
            if not text(pod, "metadata", "deletionTimestamp"):
                self.state.delete(_key(pod))
        if not pods and "foregroundDeletion" in _finalizers(job):
            self.state.finalize(key, "foregroundDeletion")

    def _go_on(self, key: Key, job: Object, pods: list[Object]) -> None:
        alive = [one for one in pods if text(one, "status", "phase") not in _TERMINAL]
        counted = count(job, "status", "failed")
        for pod in pods:
            if text(pod, "status", "phase") in _TERMINAL and TRACKED in _finalizers(pod):
                counted += text(pod, "status", "phase") == "Failed" and not _disrupted(pod)
                self.state.finalize(_key(pod), TRACKED)
        if any(text(one, "status", "phase") == "Succeeded" for one in pods):
            self._note(job, counted, "Complete", "CompletionsReached")
        elif counted > count(job, "spec", "backoffLimit"):
            self._note(job, counted, "Failed", "BackoffLimitExceeded")
        elif not alive:
            self._note(job, counted)
            self._make(key, job)

    def _note(self, job: Object, failed: int, kind: str = "", reason: str = "") -> None:
        status: Object = {"failed": failed}
        if kind:
            status["conditions"] = [{"type": kind, "status": "True", "reason": reason}]
        now = self.state.objects[_key(job)]
        self.state.create({**now, "status": status})

    def _own(self, job: Object) -> list[Object]:
        uid = text(job, "metadata", "uid")
        return [
            one
            for key, one in self.state.objects.items()
            if key.kind == POD
            and uid in {text(each, "uid") for each in entries(one, "metadata", "ownerReferences")}
        ]

    def _make(self, key: Key, job: Object) -> None:
        fate = self.fates.get(key.name, self.fate)
        if fate in REFUSED:
            self._refuse(job, REFUSED[fate])
            return
        labels = part(job, "spec", "template", "metadata", "labels")
        told: Object = {**(labels if isinstance(labels, dict) else {}), _NAMED: key.name}
        owner: Json = [{"kind": "Job", "uid": text(job, "metadata", "uid")}]
        finalizers: Json = [TRACKED]
        metadata: Object = {
            "name": f"{key.name}-{clock.token(5)}",
            "namespace": key.namespace,
            "labels": told,
            "ownerReferences": owner,
            "finalizers": finalizers,
            "creationTimestamp": clock.stamp(clock.now()),
        }
        spec = part(job, "spec", "template", "spec")
        self.state.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": metadata,
                "spec": spec,
                "status": {"phase": "Pending"},
            }
        )

    def _refuse(self, job: Object, message: str) -> None:
        name = f"{text(job, 'metadata', 'name')}.refused"
        namespace = text(job, "metadata", "namespace")
        if Key(Kind("v1", "Event"), namespace, name) in self.state.objects:
            return
        involved: Json = {"kind": "Job", "uid": text(job, "metadata", "uid")}
        self.state.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": involved,
                "reason": "FailedCreate",
                "message": f"Error creating: {message}",
                "lastTimestamp": clock.stamp(clock.now()),
            }
        )

    def _pod(self, key: Key, pod: Object) -> None:
        uid = text(pod, "metadata", "uid")
        run = self._runs.get(uid)
        if text(pod, "metadata", "deletionTimestamp"):
            if run is not None and not run.ended:
                self._kill(run)
            elif text(pod, "status", "phase") not in _TERMINAL:
                status = part(pod, "status")
                told: Object = dict(status) if isinstance(status, dict) else {}
                self.state.create({**pod, "status": {**told, "phase": "Failed"}})
            elif TRACKED in _finalizers(pod) and not self._owner(pod):
                self.state.finalize(key, TRACKED)
            return
        if run is not None or not entries(pod, "metadata", "ownerReferences"):
            return
        if TRACKED not in _finalizers(pod):
            return
        if self.fates.get(text(pod, "metadata", "labels", _NAMED), self.fate) == "unschedulable":
            self._place(pod, "False")
            return
        self._place(pod, "True")
        self._runs[uid] = PodRun(self.state, key, self.node)
        self._runs[uid].thread.start()

    def _owner(self, pod: Object) -> bool:
        """Whether the Job of a pod is there and will look at it."""
        uids = {text(each, "uid") for each in entries(pod, "metadata", "ownerReferences")}
        return any(
            text(one, "metadata", "uid") in uids
            and not text(one, "metadata", "deletionTimestamp")
            and not _over(one)
            for key, one in self.state.objects.items()
            if key.kind == JOB
        )

    def _place(self, pod: Object, status: str) -> None:
        placed: Object = {"type": "PodScheduled", "status": status}
        if status == "False":
            message = "0/3 nodes are available: 3 Insufficient cpu."
            placed |= {"reason": "Unschedulable", "message": message}
        self.state.create({**pod, "status": {"phase": "Pending", "conditions": [placed]}})

    def _kill(self, run: PodRun) -> None:
        if run.thread.native_id is None:
            return
        for child in process.children([run.thread.native_id]):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


_TERMINAL = ("Succeeded", "Failed")


def _over(job: Object) -> bool:
    return any(condition(job, kind).get("status") == "True" for kind in ("Complete", "Failed"))


def _disrupted(pod: Object) -> bool:
    return condition(pod, "DisruptionTarget").get("status") == "True"


def _finalizers(one: Object) -> list[str]:
    held = part(one, "metadata", "finalizers")
    return [str(each) for each in held] if isinstance(held, list) else []


def _key(one: Object) -> Key:
    kind = Kind(str(one["apiVersion"]), str(one["kind"]))
    return Key(kind, text(one, "metadata", "namespace"), text(one, "metadata", "name"))


__all__ = ["JobFate", "JobWorkers"]
