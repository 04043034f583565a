"""Requests by version, as the servers count them: from their metrics to single requests.

A server counts requests for predictions by the number of the route that they came by, so that what
is read late, or after a kill, still belongs to the right division of the traffic. Numbers only
grow while a container runs; another container begins anew.
Source: Prometheus, "Text-based format", version 0.0.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from sealift.kubernetes.objects import Object
from sealift.kubernetes.pods import restarts
from sealift.kubernetes.reading import text
from sealift.record.observation import RequestSeen

_LINE = re.compile(
    r'^sealift_routed_seconds_bucket\{generation="(\d+)",status="(\d+)",le="([0-9.e+-]+)"\} (\d+)$',
    re.MULTILINE,
)
_BUSY = re.compile(r"^sealift_in_flight (\d+)$", re.MULTILINE)
_HALF = 1.0 / 1.05  # the middle of a bucket of a tenth's width

Counts = dict[str, int]
"""Requests by ``GENERATION/STATUS/BOUND``; each is in one bucket."""


class Reading(msgspec.Struct, frozen=True):
    """How far a pod has been read: which containers, what they had counted, and when."""

    container: str = ""
    counts: Counts = {}
    at: float = 0.0


def counted(page: str) -> Counts:
    """The requests of a page of metrics, by bucket.

    >>> counted('sealift_routed_seconds_bucket{generation="7",status="200",le="0.011"} 3')
    {'7/200/0.011': 3}
    """
    found: Counts = {}
    below: dict[tuple[str, str], int] = {}
    for generation, status, bound, number in _LINE.findall(page):
        before = below.get((generation, status), 0)
        below[generation, status] = int(number)
        found[f"{generation}/{status}/{bound}"] = int(number) - before
    return found


def counts_routes(page: str) -> bool:
    """Whether the server of a page counts requests by the number of their route, also if none came.

    >>> counts_routes("# TYPE sealift_routed_seconds histogram"), counts_routes("up 1")
    (True, False)
    """
    return "# TYPE sealift_routed_seconds " in page


def busy(page: str) -> bool:
    """Whether a server is answering more than the request for this page.

    >>> busy("sealift_in_flight 1\\n"), busy("sealift_in_flight 2\\n")
    (False, True)
    """
    found = _BUSY.search(page)
    return found is not None and int(found[1]) > 1


def container(pod: Object) -> str:
    """What tells the containers of a pod from those that they replaced."""
    return f"{text(pod, 'metadata', 'uid')} {restarts(pod)}"


def news(before: Reading, now: Reading) -> Counts:
    """What was counted between two readings of a pod.

    >>> old = Reading("a 0", {"7/200/0.1": 5})
    >>> news(old, Reading("a 0", {"7/200/0.1": 6})), news(old, Reading("a 1", {"7/200/0.1": 2}))
    ({'7/200/0.1': 1}, {'7/200/0.1': 2})
    """
    same = before.container == now.container and all(
        now.counts.get(name, 0) >= number for name, number in before.counts.items()
    )
    if not same:
        return dict(now.counts)
    grown = {name: number - before.counts.get(name, 0) for name, number in now.counts.items()}
    return {name: number for name, number in grown.items() if number}


def first(fresh: Counts, room: int) -> tuple[Counts, Counts]:
    """As many of these as there is room for, and those that are left.

    >>> first({"a": 3, "b": 2}, 4)
    ({'a': 3, 'b': 1}, {'b': 1})
    """
    taken: Counts = {}
    for name, number in fresh.items():
        if (some := min(number, room - sum(taken.values()))) > 0:
            taken[name] = some
    return taken, less(fresh, taken)


def less(counts: Counts, other: Counts) -> Counts:
    """The first without the second; what is 0 then is left out."""
    rest = {name: number - other.get(name, 0) for name, number in counts.items()}
    return {name: number for name, number in rest.items() if number}


def requests(
    version: int, fresh: Mapping[str, int], *, since: float, until: float
) -> Iterator[RequestSeen]:
    """Single requests for what was counted in a stretch of time, spread evenly over it.

    A duration is the middle of its bucket: at most a twentieth from the true one.
    """
    for name, number in fresh.items():
        generation, status, bound = name.split("/")
        for place in range(number):
            yield RequestSeen(
                at=since + (until - since) * (place + 0.5) / number,
                generation=int(generation),
                version=version,
                status=int(status),
                seconds=float(bound) * _HALF,
            )


__all__ = [
    "Counts",
    "Reading",
    "busy",
    "container",
    "counted",
    "counts_routes",
    "first",
    "less",
    "news",
    "requests",
]
