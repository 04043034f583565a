"""The record of a release on the route itself: so that others see it, and go on with it.

What a ledger here knows of an environment may be older than what is there, or nothing at all:
somebody else may have released, or this is another machine.
"""

from __future__ import annotations

import getpass
import socket

import msgspec
from msgspec.structs import replace

from sealift import clock
from sealift.adapters.routers.gateway import HOLDER
from sealift.chapters import versions
from sealift.kubernetes.objects import Object, Place
from sealift.kubernetes.reading import text
from sealift.kubernetes.routing import division
from sealift.record.release import Plan, Release
from sealift.release.place import releases
from sealift.release.transitions import note
from sealift.types import Digest
from sealift.wiring import Wired

RECORD = "sealift.release"
"""The annotation with the record."""
_EVENTS = 20
_FORMER = Plan(
    strategy="blue-green",
    stages=(),
    guards=(),
    stage_requests=1,
    alpha=0.05,
    limit=1.0,
    undecided="hold",
)


class Pen:
    """Writes the record of one release on the route, signed by this process."""

    def __init__(self, wired: Wired, identifier: str) -> None:
        self._wired = wired
        self._id = identifier
        self._me = f"{getpass.getuser()}@{socket.gethostname()} {clock.token(8)}"

    def __call__(self) -> dict[str, str]:
        """The annotations as they are to be now."""
        one = self._wired.ledger.get(Release, self._id)
        # a verdict that decides nothing changes all the time
        told = one.verdict if one.state == "ended" else None
        short = replace(one, verdict=told, events=one.events[-_EVENTS:])
        return {RECORD: msgspec.json.encode(short).decode(), HOLDER: self._me}


def noted(route: Object | None) -> Release | None:
    """The release that a route tells of; None where it tells of none that can be read."""
    try:
        return msgspec.json.decode(text(route, "metadata", "annotations", RECORD), type=Release)
    except msgspec.DecodeError:
        return None


def holder(route: Object | None) -> str:
    """Who moved the requests last, as USER@HOST; empty where nobody says so."""
    return text(route, "metadata", "annotations", HOLDER).partition(" ")[0]


def stranger(wired: Wired, route: Object | None) -> Release | None:
    """The release in progress there that the ledger here knows nothing of."""
    one = noted(route)
    if one is None or one.state == "ended":
        return None
    return None if one.id in {known.id for known in wired.ledger.all(Release)} else one


def learn(wired: Wired, place: Place, route: Object | None) -> None:
    """Bring the ledger here up to what a route says of its environment."""
    one = noted(route)
    known = {each.id: each for each in releases(wired.ledger, place.name)}
    if one is not None:
        one = replace(one, environment=place.name)
        ours = known.get(one.id)
        if ours is None or later(one, ours):
            wired.ledger.save(one)
    for each in known.values():
        if each.state != "ended" and each.generation and (one is None or one.id != each.id):
            wired.ledger.amend(Release, each.id, _lost)
    if route is None:
        _left(wired, place)
    serves = _alone(route) if one is None else one.previous
    if one is not None and one.outcome == "promoted":
        serves = one.version
    if serves is not None and serves != versions.serving(wired, place.name):
        wired.ledger.save(_former(wired, place, serves, division(route or {}).generation))


def _left(wired: Wired, place: Place) -> None:
    """The service was taken down: no version serves there any more."""
    for each in releases(wired.ledger, place.name):
        if each.outcome == "promoted" and each.left is None:
            wired.ledger.amend(Release, each.id, lambda old: replace(old, left=clock.now()))


def later(one: Release, ours: Release) -> bool:
    """Whether what the route says of a release is newer than what the ledger says."""
    if ours.state == "ended":
        return False
    return one.state == "ended" or one.generation > ours.generation


def _lost(one: Release) -> Release:
    told = note(one, "Somebody else moved the requests; they were left there.", now=clock.now())
    return replace(told, state="ended", outcome="cancelled", ended=clock.now())


def _alone(route: Object | None) -> int | None:
    """The version that gets all requests, by a route that tells of no release: of files, say."""
    names = [name for name, weight in division(route or {}).weights if weight]
    number = names[0].rpartition("-v")[2] if len(names) == 1 else ""
    return int(number) if number.isdigit() else None


def _former(wired: Wired, place: Place, version: int, generation: int) -> Release:
    """The release that must have been, of which nothing is known but that it was."""
    now = clock.now()
    return Release(
        id=clock.identifier(),
        service=wired.project.name,
        plan=_FORMER,
        version=version,
        image=Digest(""),
        report=Digest(""),
        previous=None,
        user="",
        comment="found on the route",
        created=now,
        state="ended",
        generation=generation,
        outcome="promoted",
        ended=now,
        environment=place.name,
    )


__all__ = ["Pen", "holder", "later", "learn", "noted", "stranger"]
