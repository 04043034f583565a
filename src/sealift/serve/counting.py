"""What is counted and logged of every request, whatever the protocol it came by."""

from __future__ import annotations

from typing import Protocol

from sealift import clock
from sealift.serve import log
from sealift.serve.access import AccessLog
from sealift.serve.call import Call
from sealift.serve.house import House
from sealift.serve.refusal import RefusalError

GONE = 499
"""The status under which a client that went away is counted."""


class Kind(Protocol):
    """What was asked for: its name in metrics and logs, and whether predictions were."""

    @property
    def name(self) -> str:
        """For metrics and logs."""
        ...

    @property
    def predicts(self) -> bool:
        """Whether it counts in the statistics of the model."""
        ...


class Counting:
    """Counts the requests to a server from their beginning to their end."""

    def __init__(self, house: House, access: AccessLog) -> None:
        self._house = house
        self._metrics = house.metrics
        self._under_way = house.metrics.in_flight.cell()
        self._numbers = house.metrics.in_flight.numbers
        self._access = access

    def begin(self, call: Call) -> None:
        """A request came."""
        self._numbers[self._under_way] += 1.0
        # probes go on until the end, and do not show that anybody still wants answers
        self._metrics.begun += call.method == "POST"

    def end(self, call: Call, route: Kind | None, status: int) -> None:
        """A request was answered with ``status``, or given up."""
        self._numbers[self._under_way] -= 1.0
        if call.reserved:
            self._house.room.give_back(call)
        seconds = clock.monotonic() - call.began
        name = route.name if route else "none"
        self._metrics.answered(name, status, seconds)
        if route is not None and route.predicts and (generation := call.generation):
            self._metrics.routed(generation, status, seconds)
        if call.code:
            self._metrics.refused.add(1.0, call.code)
            if route is not None and route.predicts:
                self._house.failed(call)
        self._access.note(call, name, status, seconds)

    def malformed(self, refusal: RefusalError) -> None:
        """Something came that is no request: nobody knows what it was to be."""
        self._metrics.answered("none", refusal.status, 0.0)
        self._metrics.refused.add(1.0, refusal.code)
        self._access.malformed(refusal)


def incident(call: Call, error: Exception) -> RefusalError:
    """What is told of an error that nobody foresaw; the log has all of it."""
    number = clock.token(16)
    log.event("incident", incident=number, id=call.id, **log.raised(error))
    return RefusalError(f"The model failed. Incident {number}.", code="incident", status=500)


__all__ = ["GONE", "Counting", "Kind", "incident"]
