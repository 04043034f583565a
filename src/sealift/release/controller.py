"""Carries releases out: one bounded piece of work at a time, from any state, after any crash."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from sealift import clock
from sealift.errors import NotFoundError, SealiftError
from sealift.ports import Observations, Router
from sealift.record.release import Outcome, Release, State, Verdict
from sealift.release import transitions
from sealift.release.judge import judge
from sealift.release.place import Releases
from sealift.release.replay import Replay, last_request, last_scored
from sealift.release.servers import START, Servers, Standing
from sealift.release.steering import Steering

Change = Callable[[Release], Release]
Baseline = Callable[[int], float | str | None]

DWELL = 2.0
"""Seconds between two changes of the shares: each begins the router's count of turns anew."""
TOLD = 2.0
"""Seconds between two records of a verdict that decides nothing."""


class Controller:
    """The state machine of a service's releases, with its effects.

    Each call of ``tick`` reads the record of the oldest release that has not ended, brings the
    containers and the route into the state that the record demands, and makes at most one change of
    state, which is stored before anything is done about it. So a controller that was killed, at
    whatever point, is followed by one that does the rest. Between releases it keeps the promoted
    version running and routed.

    ``behind`` says that requests which have ended are still to be collected: a release does not
    end before they are in its audit. ``baseline`` gives the constant prediction of a version's
    profile; ``NotFoundError`` means that it has none.
    """

    def __init__(
        self,
        *,
        service: str,
        ledger: Releases,
        observations: Observations,
        router: Router,
        fleet: Servers,
        baseline: Baseline = lambda _: None,
        behind: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._service = service
        self._ledger = ledger
        self._observations = observations
        self._baseline = baseline
        self._behind = behind
        self._now = now
        self._steering = Steering(service=service, router=router, fleet=fleet, now=now)
        self._replay: Replay | None = None
        self._tidy: int | None = -1

    def current(self) -> int | None:
        """The version of the last promoted release; None before the first."""
        stable = _stable(self._releases())
        return stable.version if stable else None

    def tick(self) -> None:
        """One piece of work. Raises ``SealiftError`` when the outside world fails; call again."""
        releases = self._releases()
        release = next((one for one in releases if one.state != "ended"), None)
        if release is None:
            self._rest(releases)
            return
        self._tidy = -1
        work: dict[State, Callable[[Release, list[Release]], None]] = {
            "planned": self._planned,
            "starting": self._starting,
            "observing": self._observing,
            "promoting": self._promoting,
            "rolling-back": self._rolling_back,
        }
        work[release.state](release, releases)

    # Between releases

    def _rest(self, releases: list[Release]) -> None:
        """Keep the promoted version running and routed, and nothing else."""
        stable = _stable(releases)
        self._hold(stable, releases)
        version = stable.version if stable else None
        if self._tidy != version:
            self._steering.stop_others(_these(version))
            self._tidy = version

    def _hold(self, stable: Release | None, releases: list[Release]) -> bool:
        """Keep the promoted version running, with all the traffic, under the latest generation.

        False while it is not there.
        """
        generation = max((one.generation for one in releases), default=0)
        if stable is None:
            return self._steering.route({}, [], generation)
        standing = self._steering.stable(stable)
        return self._steering.route({stable.version: transitions.PARTS}, [standing], generation)

    # The states of a release

    def _planned(self, release: Release, releases: list[Release]) -> None:
        stable = _stable(releases)
        previous = stable.version if stable else None
        if release.request == "rollback":
            self._save(release, lambda one: transitions.cancel(one, previous, now=self._now()))
            return
        first_request = last_request(self._observations)
        first_scored = last_scored(self._observations)
        self._save(
            release,
            lambda one: transitions.prepare(
                one,
                previous=previous,
                first_request=first_request,
                first_scored=first_scored,
                now=self._now(),
            ),
        )

    def _starting(self, release: Release, releases: list[Release]) -> None:
        if release.request == "rollback":
            self._retreat(release, releases, "as asked.", "cancelled")
            return
        candidate = self._steering.candidate(release)
        if why := self._steering.hopeless(candidate):
            self._retreat(release, releases, why, "failed")
        elif candidate.ready:
            self._enter(release, releases)
        # Last: a stable version that cannot be brought back must not keep the next one away.
        self._hold(_stable(releases), releases)

    def _enter(self, release: Release, releases: list[Release]) -> None:
        """The candidate is ready: its first traffic, a share or all of it."""
        if release.request == "promote":
            self._promote(release, releases, "as asked.")
        elif release.previous is None:
            self._promote(release, releases, "there is no model before it.")
        elif release.plan.strategy == "blue-green":
            self._promote(release, releases, "blue-green.")
        else:
            generation = _next(releases)
            self._save(
                release,
                lambda one: transitions.observe(one, generation=generation, now=self._now()),
            )

    def _observing(self, release: Release, releases: list[Release]) -> None:
        if release.request == "rollback":
            self._retreat(release, releases, "as asked.", "rolled-back")
            return
        candidate = self._steering.candidate(release)
        if release.request == "promote":
            self._promote(release, releases, "as asked.")
        elif why := self._steering.hopeless(candidate):
            self._retreat(release, releases, why, "failed")
        elif not self._absent(release, releases, candidate):
            if (replay := self._read(release)) is not None:
                elapsed = self._now() - (release.began or release.created)
                verdict = judge(release.plan, replay.evidence, stage=release.stage, elapsed=elapsed)
                self._act(release, releases, verdict)
            # Last, as in the state before: the verdict does not wait for the stable version.
            self._follow(release, releases, [candidate])

    def _absent(self, release: Release, releases: list[Release], candidate: Standing) -> bool:
        """Take the traffic from a candidate that is not there, and give it back; whether so.

        That happens after everything was down: the stable version serves while the candidate
        starts anew. One that dies and is restarted at its address keeps its share.
        """
        paused = transitions.paused(release)
        if paused and candidate.ready:
            change = transitions.resume
        elif not paused and not candidate.urls:
            change = transitions.pause
        else:
            return False
        generation = _next(releases)
        self._save(release, lambda one: change(one, generation=generation, now=self._now()))
        return True

    def _act(self, release: Release, releases: list[Release], verdict: Verdict) -> None:
        """Do what the verdict says; each verdict is in the record before it is acted on.

        A candidate that is not there is not brought further by what it did before.
        """
        judged, there = replace(release, verdict=verdict), not transitions.paused(release)
        held = verdict.decision == "undecided" and release.plan.undecided == "hold"
        if verdict.decision == "promote" and there:
            self._promote(judged, releases, verdict.reason)
        elif verdict.decision == "rollback":
            self._retreat(judged, releases, verdict.reason, "rolled-back")
        elif verdict.decision == "undecided" and not held:
            self._retreat(judged, releases, verdict.reason, "undecided")
        elif verdict.decision == "advance" and there and self._steering.settled(DWELL):
            generation, now = _next(releases), self._now()
            self._save(
                release,
                lambda one: transitions.advance(one, verdict, generation=generation, now=now),
            )
        elif held and (release.verdict is None or release.verdict.decision != "undecided"):
            what = f"Held for a person to decide. {verdict.reason}"
            self._save(
                release,
                lambda one: transitions.note(replace(one, verdict=verdict), what, now=self._now()),
            )
        elif verdict != release.verdict and self._steering.elapsed("told", TOLD):
            self._save(release, lambda one: replace(one, verdict=verdict))
            self._steering.afresh()

    def _promoting(self, release: Release, releases: list[Release]) -> None:
        if release.request == "rollback":
            self._retreat(release, releases, "as asked.", "rolled-back")
            return
        candidate = self._steering.candidate(release)
        if why := self._steering.hopeless(candidate):
            self._retreat(release, releases, why, "failed")
        elif not self._follow(release, releases, [candidate]) or not candidate.ready:
            self._steering.needed()
        else:
            self._finish(release, keep=release.version, drop=release.previous)

    def _rolling_back(self, release: Release, releases: list[Release]) -> None:
        try:
            back = (
                self._follow(release, releases, [])
                if release.shares
                else self._hold(_stable(releases), releases)
            )
        except SealiftError:
            self._abandon(release)
            raise
        if back:
            self._finish(release, keep=release.previous, drop=release.version)
        else:
            self._abandon(release)

    def _abandon(self, release: Release) -> None:
        """End a way back to a version that does not come back, so that another may be released.

        The route stays, and so does what serves.
        """
        replay = self._read(release)
        if replay is not None and self._steering.elapsed("back", START):
            audit = replay.audit
            self._save(release, lambda one: transitions.abandon(one, audit, now=self._now()))

    def _follow(self, release: Release, releases: list[Release], there: list[Standing]) -> bool:
        """Bring the route that the record demands in force; whether it is."""
        wanted = transitions.weights(release)
        stable = _stable(releases)
        if stable is not None and stable.version in wanted:
            there = [*there, self._steering.stable(stable)]
        return self._steering.route(wanted, there, release.generation)

    def _finish(self, release: Release, *, keep: int | None, drop: int | None) -> None:
        """Once nobody talks to the version without traffic: stop it, count, end the release."""
        replay = self._read(release)
        if not (drop in (None, keep) or self._steering.drained(drop)):
            return
        if replay is None or self._behind():
            return
        self._steering.stop_others(_these(keep))
        audit = replay.audit
        self._save(release, lambda one: transitions.end(one, audit, now=self._now()))

    # The record

    def _promote(self, release: Release, releases: list[Release], why: str) -> None:
        self._turn(transitions.promote, release, releases, why)

    def _retreat(
        self, release: Release, releases: list[Release], why: str, outcome: Outcome
    ) -> None:
        self._turn(partial(transitions.retreat, outcome=outcome), release, releases, why)

    def _turn(
        self, turn: transitions.Turn, release: Release, releases: list[Release], why: str
    ) -> None:
        generation, now = _next(releases), self._now()
        self._save(
            release,
            lambda one: turn(
                replace(one, verdict=release.verdict), why, generation=generation, now=now
            ),
        )

    def _save(self, release: Release, change: Change) -> None:
        """Store a change; what a person asked for meanwhile is kept."""
        before = release.state
        if self._ledger.amend(Release, release.id, change).state != before:
            self._steering.afresh()

    def _read(self, release: Release) -> Replay | None:
        """The evidence so far; None while there is more to read."""
        if self._replay is None or self._replay.id != release.id:
            self._replay = Replay(release, self._known_baseline(release.previous))
        return self._replay if self._replay.read(self._observations, release) else None

    def _known_baseline(self, version: int | None) -> float | str | None:
        try:
            return None if version is None else self._baseline(version)
        except NotFoundError:
            return None

    def _releases(self) -> list[Release]:
        return [one for one in self._ledger.all(Release) if one.service == self._service]


def _these(version: int | None) -> list[int]:
    return [] if version is None else [version]


def _stable(releases: list[Release]) -> Release | None:
    promoted = [one for one in releases if one.outcome == "promoted" and one.left is None]
    return max(promoted, key=lambda one: one.ended or 0.0, default=None)


def _next(releases: list[Release]) -> int:
    return 1 + max(one.generation for one in releases)


__all__ = ["Controller"]
