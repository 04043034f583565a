"""One Job in a cluster: made or found again, followed to its end, and taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from sealift import clock
from sealift.adapters.engines.kubernetes_log import Followed
from sealift.errors import AwayError, ClusterError, ForbiddenError, StepError
from sealift.kubernetes.kinds import JOB, POD, WORK
from sealift.kubernetes.objects import Object, Place
from sealift.kubernetes.patience import LOOK, Patience, patiently, pause
from sealift.kubernetes.pods import Trouble
from sealift.kubernetes.reading import text, title
from sealift.kubernetes.step import JOB_LABEL
from sealift.kubernetes.steps import Going, judge, unmade
from sealift.ports import Cluster, Progress

GONE = 120.0
"""Seconds within which a Job that was removed is gone: its program gets 30 to end."""

NAMED = "batch.kubernetes.io/job-name"
"""The label that a cluster gives the pods of a Job."""

_LINES = 20


class Work:
    """Jobs in one namespace of a cluster."""

    def __init__(self, cluster: Cluster, place: Place, progress: Progress) -> None:
        self._cluster = cluster
        self._place = place
        self._progress = progress

    @property
    def _namespace(self) -> str:
        return self._place.settings.namespace

    def found(self, name: str) -> Object | None:
        """A Job of this name that is not on its way out; one that is gets waited for."""
        ends = clock.monotonic() + GONE
        while True:
            job = patiently(lambda: self._cluster.get(JOB, name, self._namespace), self._progress)
            if job is None or not text(job, "metadata", "deletionTimestamp"):
                return job
            if clock.monotonic() > ends:
                raise ClusterError(
                    "The Job of an earlier attempt is still being removed.",
                    where=title(job),
                    remedy="See `kubectl describe` of it and its pod.",
                )
            self._pause(name, text(job, "metadata", "resourceVersion"))

    def made(self, objects: list[Object]) -> Object:
        """Apply objects, the Job last; the Job."""
        for one in objects:
            last = patiently(lambda one=one: self._cluster.apply(one), self._progress)  # type: ignore[misc]
        return last

    def ended(
        self, job: Object, *, told: Callable[[str], None], log: Path, container: str
    ) -> Going:
        """Follow a Job until it has ended, or its pod was taken away.

        Raises ``StepError`` for a Job that surely will not run, and for one that somebody removed;
        ``ClusterError`` for a cluster that is away for too long: the Job goes on then.
        """
        patience, last = Patience(), ""
        name = text(job, "metadata", "name")
        followed = Followed(self._cluster, self._namespace, container, log)
        while True:
            going, seen = patiently(lambda: self._going(job, container), self._progress)
            found = going.trouble
            word = found.what if found and found.patience else going.told
            if word != last:
                last = word
                told(word)
            if going.speaks:
                self._follow(followed, going)
            if going.ended or going.lost:
                return going
            if sure := patience.out(found):
                raise self._failed(sure)
            if not going.speaks:
                self._pause(name, seen)

    def _going(self, job: Object, container: str) -> tuple[Going, str]:
        name = text(job, "metadata", "name")
        now = self._cluster.get(JOB, name, self._namespace)
        if now is None or text(now, "metadata", "uid") != text(job, "metadata", "uid"):
            raise StepError(
                "The Job of the step was removed.",
                where=title(job),
                remedy="Run `sealift train` again where that was not meant.",
            )
        pods = self._cluster.find(POD, self._namespace, {NAMED: name})
        going = judge(now, pods.items, container)
        if not pods.items and not going.ended and not going.lost:
            going = msgspec.structs.replace(going, trouble=self._unmade(now))
        found = going.trouble
        if found and found.patience >= _ROOM:
            room = msgspec.structs.replace(found, patience=float(self._place.settings.patience))
            going = msgspec.structs.replace(going, trouble=room)
        return going, pods.version

    def _unmade(self, job: Object) -> Trouble | None:
        try:
            return unmade(job, self._cluster.events(job))
        except ForbiddenError:
            return None  # events are a help, no more

    def _follow(self, followed: Followed, going: Going) -> None:
        """Bring the log; of a container that has ended, to its end."""
        before = clock.monotonic()
        try:
            if going.ended or going.lost:
                patiently(lambda: followed.bring(going.pod), self._progress)
                return
            followed.bring(going.pod)
        except AwayError:
            if going.ended or going.lost:
                self._progress.say(f"The log of pod {going.pod} does not come.")
        except ClusterError as error:  # its pod may be gone, or logs be nobody's business
            if not going.lost:
                self._progress.say(f"{error.what} {error.remedy}")
        if clock.monotonic() - before < LOOK / 10:
            clock.sleep(LOOK / 10)  # it ended just now, or the connection breaks at once

    def _failed(self, found: Trouble) -> StepError:
        for line in self._last_lines(found.crashed):
            self._progress.say(f"  {line}")
        return StepError(found.what, where=found.where, remedy=found.remedy)

    def _last_lines(self, pod: str) -> list[str]:
        if not pod:
            return []
        try:
            said = self._cluster.logs(pod, self._namespace, previous=False, lines=_LINES)
        except ClusterError:
            return []
        return said.splitlines()

    def remove(self, name: str, *, but: frozenset[str] = frozenset()) -> None:
        """Remove what belongs to a step, except kinds that are to stay; wait for its Jobs' end."""
        labels = {JOB_LABEL: name}
        jobs = []
        for kind in WORK:
            if kind.name in but:
                continue
            found = patiently(
                lambda kind=kind: self._cluster.find(kind, self._namespace, labels),  # type: ignore[misc]
                self._progress,
            )
            for one in found.items:
                patiently(lambda one=one: self._cluster.delete(one), self._progress)  # type: ignore[misc]
                jobs += [one] if kind == JOB else []
        for one in jobs:
            self.found(text(one, "metadata", "name"))

    def _pause(self, name: str, since: str) -> None:
        pause(self._cluster, POD, self._namespace, {NAMED: name}, since=since)


_ROOM = 20.0
"""The patience that a trouble has which may end when others give room."""

__all__ = ["Work"]
