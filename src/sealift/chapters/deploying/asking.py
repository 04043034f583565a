"""A person's word on the release in progress in an environment: on with it, or back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Literal

from sealift import clock
from sealift.chapters import compiling, journey
from sealift.chapters.deploying import noted
from sealift.chapters.deploying.release import Work
from sealift.errors import ReleaseError, UsageError
from sealift.kubernetes.objects import Object
from sealift.ports import Progress
from sealift.record.release import Release
from sealift.wiring import Wired

LOOK = 0.2
"""Seconds between two looks at a release that another process drives."""


def ask(
    wired: Wired, environment: str, wish: Literal["promote", "rollback"], progress: Progress
) -> Release:
    """End the release in progress in an environment, whoever began it; its record then.

    Where another process of this project drives it, that one does it. A release of somebody else,
    with another ledger, is taken over: theirs ends and says so.
    Raises ``UsageError`` where none is in progress.
    """
    place = compiling.placed(wired, environment)
    if place.settings.gateway is None:
        raise UsageError(
            "Without a gateway no requests are moved.",
            where=f"sealift.toml: [environments.{place.name}]",
            remedy="Name a gateway there.",
        )
    with wired.cluster(place.settings.context) as cluster:
        progress.say(f"cluster {cluster.address}, namespace {place.settings.namespace}")
        work = Work(wired, cluster, place, progress, force=False)
        route = work.looked_at()
        noted.learn(wired, place, route)
        asked = journey.ask(wired, wish, place.name)
        return _ended(wired, work, asked, route, progress)


def _ended(
    wired: Wired, work: Work, one: Release, route: Object | None, progress: Progress
) -> Release:
    """Drive the release to its end, or follow whoever does."""
    told = len(one.events) - 1
    while True:
        with ExitStack() as held:
            try:
                held.enter_context(wired.ledger.exclusive(f"release-{one.environment}"))
            except UsageError:  # a process here drives it, and sees the wish
                now = wired.ledger.get(Release, one.id)
                for event in now.events[told:]:
                    progress.step(clock.stamp(event.at)[11:19], event.what)
                told = len(now.events)
                if now.state == "ended":
                    return now
                route = None
            else:
                return _driven(work, one, route or work.looked_at())
        clock.sleep(LOOK)


def _driven(work: Work, one: Release, route: Object | None) -> Release:
    """Drive a release; who began it may move the requests once more before seeing the wish."""
    for last in (False, False, True):
        try:
            return work.drive(one, route)
        except ReleaseError:
            route = work.route()
            there = noted.noted(route)
            if last or there is None or there.id != one.id or there.state == "ended":
                raise
    raise AssertionError


__all__ = ["ask"]
