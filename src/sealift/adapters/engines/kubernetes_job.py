"""One Job in a cluster: made or found again, followed to its end, and taken away."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sealift import clock
from sealift.adapters.engines.kubernetes_live import Live
from sealift.adapters.engines.kubernetes_log import Followed
from sealift.errors import AwayError, ClusterError, ForbiddenError, StepError
from sealift.kubernetes.kinds import JOB, POD, WORK, Kind, kind_of
from sealift.kubernetes.objects import Object, Place
from sealift.kubernetes.patience import LOOK, Patience, patiently, pause
from sealift.kubernetes.pods import Trouble
from sealift.kubernetes.reading import text, title
from sealift.kubernetes.step import JOB_LABEL
from sealift.kubernetes.steps import KILLED, Going, judge, unmade
from sealift.ports import Cluster, Progress
from sealift.record.container import Exit

GONE = 120.0
"""Seconds within which a Job that was removed is gone: its program gets 30 to end."""

NAMED = "batch.kubernetes.io/job-name"
"""The label that a cluster gives the pods of a Job."""

_LINES = 20


@dataclass(frozen=True)
class Watched:
    """What a Job is watched with: how to tell of it, its log, its container, the time it has.

    What is told beside it goes to the file ``live``.
    """

    told: Callable[[str], None]
    log: Path
    container: str
    seconds: float | None = None
    live: Path | None = None

    def left(self, since: float) -> float:
        """Seconds that a container has from now on that runs since then."""
        if self.seconds is None:
            return math.inf
        return self.seconds - max(0.0, clock.now() - since)


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
        return self._there(JOB, name)

    def _there(self, kind: Kind, name: str) -> Object | None:
        """An object that is not on its way out; one that is gets waited for."""
        ends = clock.monotonic() + GONE
        while True:
            one = patiently(lambda: self._cluster.get(kind, name, self._namespace), self._progress)
            if one is None or not text(one, "metadata", "deletionTimestamp"):
                return one
            if clock.monotonic() > ends:
                raise ClusterError(
                    "What an earlier attempt left is still being removed.",
                    where=title(one),
                    remedy="See `kubectl describe` of it, and of its pod.",
                )
            labels = {JOB_LABEL: text(one, "metadata", "labels", JOB_LABEL)}
            since = text(one, "metadata", "resourceVersion")
            pause(self._cluster, kind, self._namespace, labels, since=since)

    def made(self, objects: list[Object]) -> Object:
        """Apply objects, the Job last; the Job."""
        for one in objects:
            self._there(kind_of(one), text(one, "metadata", "name"))
            last = patiently(lambda one=one: self._cluster.apply(one), self._progress)  # type: ignore[misc]
        return last

    def ended(self, job: Object, watched: Watched) -> Going:
        """Follow a Job until it has ended, ran for too long, or its pod was taken away.

        Raises ``StepError`` for a Job that surely will not run, and for one that somebody removed;
        ``ClusterError`` for a cluster that is away for too long: the Job goes on then.
        """
        live = Live(self._cluster, self._namespace, watched.live, self._progress)
        with live.following():
            return self._ended(job, watched, live)

    def _ended(self, job: Object, watched: Watched, live: Live) -> Going:
        patience, told, end = Patience(), _Told(watched), _End(watched)
        followed = Followed(self._cluster, self._namespace, watched.container, watched.log)
        whole = ""
        while True:
            going, seen = patiently(lambda: self._going(job, watched.container), self._progress)
            if going.leaving:
                raise _removed(job)
            told.of(going)
            end.of(going)
            if going.speaks:
                live.of(going.pod)
                if whole != going.pod:
                    self._follow(followed, going, end.at)
                whole = going.pod if going.over else ""
            if going.ended or going.lost:
                return going
            if clock.monotonic() > end.at:
                late = Exit(status=KILLED, seconds=watched.seconds or 0.0, timed_out=True)
                return msgspec.structs.replace(going, ended=late)
            if sure := patience.out(going.trouble):
                raise self._failed(sure)
            if whole or not going.speaks:
                name = text(job, "metadata", "name")
                pause(self._cluster, POD, self._namespace, {NAMED: name}, since=seen)

    def _going(self, job: Object, container: str) -> tuple[Going, str]:
        name = text(job, "metadata", "name")
        now = self._cluster.get(JOB, name, self._namespace)
        if now is None or text(now, "metadata", "uid") != text(job, "metadata", "uid"):
            raise _removed(job)
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

    def _follow(self, followed: Followed, going: Going, until: float) -> None:
        """Bring the log; of a container that has ended, to its end."""
        before, over = clock.monotonic(), bool(going.ended or going.lost or going.over)
        try:
            if over:
                patiently(lambda: followed.bring(going.pod), self._progress)
                return
            followed.bring(going.pod, until)
        except AwayError:
            if over:
                self._progress.say(f"The log of pod {going.pod} does not come.")
        except ClusterError as error:  # its pod may be gone, or logs be nobody's business
            if not (going.lost or (going.ended and going.ended.timed_out)):
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

    def drop(self, name: str) -> None:
        """Have one Job removed, so that it can be made again."""
        job = patiently(lambda: self._cluster.get(JOB, name, self._namespace), self._progress)
        if job is not None:
            patiently(lambda: self._cluster.delete(job), self._progress)

    def remove(self, name: str, *, but: frozenset[str] = frozenset()) -> None:
        """Have removed what belongs to a step, except kinds that are to stay.

        It may take its time to go; who makes the same again waits for that.
        """
        for kind in WORK:
            if kind.name in but:
                continue
            found = patiently(
                lambda kind=kind: self._cluster.find(kind, self._namespace, {JOB_LABEL: name}),  # type: ignore[misc]
                self._progress,
            )
            for one in found.items:
                patiently(lambda one=one: self._cluster.delete(one), self._progress)  # type: ignore[misc]


class _End:
    """When a container has to have ended, by ``clock.monotonic``."""

    def __init__(self, watched: Watched) -> None:
        self._watched, self.at = watched, math.inf

    def of(self, going: Going) -> None:
        """Count from when it runs; what comes after it is none of its own time."""
        if going.over:
            self.at = math.inf
        elif going.since and self.at == math.inf:
            self.at = clock.monotonic() + self._watched.left(going.since)


class _Told:
    """Tells how far a Job is, and what is not new not again."""

    def __init__(self, watched: Watched) -> None:
        self._watched, self._last = watched, ""

    def of(self, going: Going) -> None:
        """Tell of it; the same trouble is told in ever new words."""
        found = going.trouble
        news = found.remedy if found and found.patience else going.told
        if news != self._last and not going.ended:
            self._last = news
            self._watched.told(found.what if found and found.patience else going.told)


def _removed(job: Object) -> StepError:
    return StepError(
        "The Job of the step was removed.",
        where=title(job),
        remedy="Run `sealift train` again where that was not meant.",
    )


_ROOM = 20.0
"""The patience that a trouble has which may end when others give room."""

__all__ = ["Watched", "Work"]
