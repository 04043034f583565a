"""Carries releases out: one bounded piece of work at a time, from any state, after any crash."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sealift import clock
from sealift.errors import SealiftError
from sealift.ports import Ledger, Observations, Router
from sealift.record.release import Release, State, Verdict
from sealift.record.route import Backend, Route
from sealift.release import transitions
from sealift.release.fleet import Fleet, Standing
from sealift.release.judge import judge
from sealift.release.replay import Replay, last_request, last_scored

Change = Callable[[Release], Release]
Baseline = Callable[[int], float | str | None]

DEATHS = 3
"""A candidate that died this often is not worth another start."""
START = 180.0
"""Seconds that a candidate gets to become ready."""
QUIET = 1.0
"""Seconds without any connection after which a version without traffic is stopped."""
DRAIN = 90.0
"""Seconds after which it is stopped all the same; it then still answers what it has begun."""
DWELL = 2.0
"""Seconds between two changes of the shares: each begins the router's count of turns anew."""
ASSURE = 2.0
"""Seconds after which a route is looked at again, in case something else has changed it."""


class Controller:
    """The state machine of a service's releases, with its effects.

    Each call of ``tick`` reads the record of the oldest release that has not ended, brings the
    containers and the route into the state that the record demands, and makes at most one change of
    state, which is stored before anything is done about it. So a controller that was killed, at
    whatever point, is followed by one that does the rest. Between releases it keeps the promoted
    version running and routed.
    """

    def __init__(
        self,
        *,
        service: str,
        ledger: Ledger,
        observations: Observations,
        router: Router,
        fleet: Fleet,
        baseline: Baseline = lambda _: None,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._service = service
        self._ledger = ledger
        self._observations = observations
        self._router = router
        self._fleet = fleet
        self._baseline = baseline
        self._now = now
        self._replay: Replay | None = None
        self._route: Route | None = None
        self._assured = 0.0
        self._changed = 0.0
        self._since: dict[str, float] = {}
        self._troubles: list[str] = []
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
            self._fleet.stop_others([] if version is None else [version])
            self._tidy = version

    def _hold(self, stable: Release | None, releases: list[Release]) -> None:
        """Keep the promoted version running, with all the traffic, under the latest generation."""
        generation = max((one.generation for one in releases), default=0)
        if stable is None:
            self._apply(Route(service=self._service, generation=generation, backends=()))
            return
        standing = self._fleet.ensure(stable.version, stable.image)
        self._follow({stable.version: transitions.PARTS}, [standing], generation)

    # The states of a release

    def _planned(self, release: Release, releases: list[Release]) -> None:
        stable = _stable(releases)
        self._hold(stable, releases)
        if release.request == "rollback":
            self._save(release, lambda one: transitions.end(one, one.audit, now=self._now()))
            return
        first_request = last_request(self._observations)
        first_scored = last_scored(self._observations)
        self._save(
            release,
            lambda one: transitions.prepare(
                one,
                previous=stable.version if stable else None,
                first_request=first_request,
                first_scored=first_scored,
                now=self._now(),
            ),
        )

    def _starting(self, release: Release, releases: list[Release]) -> None:
        self._hold(_stable(releases), releases)
        if release.request == "rollback":
            self._retreat(release, releases, "asked for.")
            return
        standing = self._candidate(release)
        if why := self._hopeless(release, standing):
            self._retreat(release, releases, why)
        elif standing.ready:
            self._enter(release, releases)

    def _enter(self, release: Release, releases: list[Release]) -> None:
        """The candidate is ready: its first traffic, a share or all of it."""
        generation = _next(releases)
        if release.request == "promote":
            self._promote(release, releases, "asked for.")
        elif release.previous is None:
            self._promote(release, releases, "there is no version before it.")
        elif release.plan.strategy == "blue-green":
            self._promote(release, releases, "blue-green.")
        else:
            self._save(
                release,
                lambda one: transitions.observe(one, generation=generation, now=self._now()),
            )

    def _observing(self, release: Release, releases: list[Release]) -> None:
        standing = self._candidate(release)
        self._follow_record(release, releases, standing)
        replay = self._read(release)
        if release.request == "rollback":
            self._retreat(release, releases, "asked for.")
        elif release.request == "promote":
            self._promote(release, releases, "asked for.")
        elif why := self._hopeless(release, standing):
            self._retreat(release, releases, why)
        elif replay is not None:
            elapsed = self._now() - (release.began or release.created)
            verdict = judge(release.plan, replay.evidence, stage=release.stage, elapsed=elapsed)
            self._act(release, releases, verdict)

    def _act(self, release: Release, releases: list[Release], verdict: Verdict) -> None:
        """Do what the verdict says; each verdict is in the record before it is acted on."""
        judged = msgspec.structs.replace(release, verdict=verdict)
        held = verdict.decision == "undecided" and release.plan.undecided == "hold"
        if verdict.decision == "promote":
            self._promote(judged, releases, verdict.reason)
        elif verdict.decision == "rollback" or (verdict.decision == "undecided" and not held):
            self._retreat(judged, releases, verdict.reason)
        elif verdict.decision == "advance" and self._now() - self._changed >= DWELL:
            generation = _next(releases)
            self._save(
                release,
                lambda one: transitions.advance(
                    one, verdict, generation=generation, now=self._now()
                ),
            )
        elif held and (release.verdict is None or release.verdict.decision != "undecided"):
            what = f"Held for a person to decide. {verdict.reason}"
            self._save(
                release,
                lambda one: transitions.note(
                    msgspec.structs.replace(one, verdict=verdict), what, now=self._now()
                ),
            )
        elif verdict != release.verdict and self._elapsed("verdict", ASSURE):
            self._save(release, lambda one: msgspec.structs.replace(one, verdict=verdict))
            self._since.pop("verdict")

    def _promoting(self, release: Release, releases: list[Release]) -> None:
        standing = self._candidate(release)
        if release.request == "rollback":
            self._retreat(release, releases, "asked for.")
        elif why := self._hopeless(release, standing):
            self._retreat(release, releases, why)
        elif self._follow_record(release, releases, standing):
            self._finish(release, keep=release.version, drop=release.previous)

    def _rolling_back(self, release: Release, releases: list[Release]) -> None:
        if release.shares and not self._follow_record(release, releases, None):
            return
        if not release.shares:
            self._hold(_stable(releases), releases)
        self._finish(release, keep=release.previous, drop=release.version)

    def _finish(self, release: Release, *, keep: int | None, drop: int | None) -> None:
        """Once nobody talks to the version without traffic: stop it, count, end the release."""
        replay = self._read(release)
        if drop is not None and drop != keep and not self._drained(drop):
            return
        self._fleet.stop_others([] if keep is None else [keep])
        if replay is not None:
            audit = replay.audit
            self._save(release, lambda one: transitions.end(one, audit, now=self._now()))

    # Changes of the record

    def _promote(self, release: Release, releases: list[Release], why: str) -> None:
        generation = _next(releases)
        self._save(
            release,
            lambda one: transitions.promote(
                msgspec.structs.replace(one, verdict=release.verdict),
                why,
                generation=generation,
                now=self._now(),
            ),
        )

    def _retreat(self, release: Release, releases: list[Release], why: str) -> None:
        generation = _next(releases)
        self._save(
            release,
            lambda one: transitions.retreat(
                msgspec.structs.replace(one, verdict=release.verdict),
                why,
                generation=generation,
                now=self._now(),
            ),
        )

    def _save(self, release: Release, change: Change) -> None:
        """Store a change; what a person asked for meanwhile is kept."""
        before = release.state
        after = self._ledger.amend(Release, release.id, change)
        if after.state != before:
            self._since.clear()
            self._troubles.clear()

    # The world

    def _candidate(self, release: Release) -> Standing:
        """How the candidate stands; one that cannot even be started counts as dying."""
        try:
            standing = self._fleet.ensure(release.version, release.image)
        except SealiftError as error:
            self._troubles.append(str(error))
            return Standing(
                version=release.version, urls=(), ready=False, deaths=len(self._troubles)
            )
        self._troubles.clear()
        return standing

    def _hopeless(self, release: Release, standing: Standing) -> str:
        """Why the candidate is given up, if it is."""
        if standing.deaths >= DEATHS:
            cause = self._troubles[-1] if self._troubles else "see its log in .sealift/live."
            return f"model {release.version} died {standing.deaths} times; {cause}"
        if standing.ready:
            self._since.pop("unready", None)
        elif self._elapsed("unready", START):
            return f"model {release.version} was not ready for {START:.0f} s."
        return ""

    def _follow_record(
        self, release: Release, releases: list[Release], candidate: Standing | None
    ) -> bool:
        """Bring the route that the record demands in force; whether it is."""
        wanted = transitions.weights(release)
        standings = [] if candidate is None else [candidate]
        stable = _stable(releases)
        if stable is not None and stable.version in wanted:
            standings.append(self._fleet.ensure(stable.version, stable.image))
        return self._follow(wanted, standings, release.generation)

    def _follow(self, wanted: dict[int, int], standings: list[Standing], generation: int) -> bool:
        urls = {one.version: one.urls for one in standings}
        if not all(urls.get(version) for version in wanted):
            # A version that is not there gets no traffic; the route before stays until it is.
            return False
        backends = tuple(
            Backend(version=version, weight=weight, urls=urls[version])
            for version, weight in sorted(wanted.items())
        )
        self._apply(Route(service=self._service, generation=generation, backends=backends))
        return True

    def _apply(self, route: Route) -> None:
        now = self._now()
        if route == self._route and now - self._assured < ASSURE:
            return
        self._router.apply(route)
        if route != self._route:
            self._changed = now
        self._route, self._assured = route, now

    def _drained(self, version: int) -> bool:
        """Whether a version without traffic has been left alone for long enough."""
        if not self._fleet.idle(version):
            self._since.pop("quiet", None)
        return (
            self._elapsed("quiet", QUIET)
            if self._fleet.idle(version)
            else self._elapsed("drain", DRAIN)
        )

    def _elapsed(self, what: str, seconds: float) -> bool:
        """Whether so much time has passed since this was first asked in this state."""
        now = self._now()
        return now - self._since.setdefault(what, now) >= seconds

    def _read(self, release: Release) -> Replay | None:
        """The evidence so far; None while there is more to read."""
        if self._replay is None or self._replay.id != release.id:
            baseline = None if release.previous is None else self._baseline(release.previous)
            self._replay = Replay(release, baseline)
        return self._replay if self._replay.read(self._observations, release) else None

    def _releases(self) -> list[Release]:
        return [one for one in self._ledger.all(Release) if one.service == self._service]


def _stable(releases: list[Release]) -> Release | None:
    promoted = [one for one in releases if one.outcome == "promoted"]
    return max(promoted, key=lambda one: one.ended or 0.0, default=None)


def _next(releases: list[Release]) -> int:
    return 1 + max(one.generation for one in releases)


__all__ = ["Controller"]
