"""How fast it answers under a stated load, and how much memory it takes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sealift import clock, loopback
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error, info
from sealift.check.target import Target
from sealift.errors import CheckError
from sealift.record.load_settings import LoadSettings
from sealift.record.report import Finding

_WAITING = 10.0
"""Seconds of requests that may be under way at once, before later ones are sent late."""

_LATE = 0.02
"""Seconds by which the requests may be sent late before that is told."""


def findings(target: Target) -> Iterator[Finding]:
    """Ask at a steady rate, whether answers have come or not (an open loop), and look at both."""
    load = target.papers.settings.load if target.papers else LoadSettings()
    rows = good_rows(target.subject, min(load.rows, target.subject.contract.max_rows))
    body = rows_body(rows)
    count = max(1, int(load.rate * load.seconds))
    begun = clock.monotonic() + 0.05

    def ask(number: int) -> tuple[float, float | str]:
        due = begun + number / load.rate
        clock.sleep(max(0.0, due - clock.monotonic()))
        late = clock.monotonic() - due
        try:
            status = target.post("/predict", body).status
        except CheckError as lost:
            return late, lost.what
        # from when it was due, so that waiting for the ones before it counts
        return late, clock.monotonic() - due if status == 200 else f"answered with {status}"

    with ThreadPoolExecutor(min(256, max(32, int(load.rate * _WAITING)))) as crowd:
        answers = list(crowd.map(ask, range(count)))
    words = f"{load.rate:g} requests a second for {load.seconds:g} s"
    failed = [one for _, one in answers if isinstance(one, str)]
    if failed:
        yield error(
            f"{len(failed)} of {count} requests at {load.rate:g} a second failed.", place=failed[0]
        )
    yield from times_of([one for _, one in answers if isinstance(one, float)], load, words)
    late = max(late for late, _ in answers)
    if late > _LATE:
        yield info(f"the last of them was sent {late * 1e3:.0f} ms late, which counts")
    yield from memory_of(target, load)


def times_of(times: list[float], load: LoadSettings, words: str) -> Iterator[Finding]:
    """What the times in seconds were, and where they are beyond their budgets."""
    if not times:
        return
    times.sort()
    seen = {"p50": quantile(times, 0.5), "p99": quantile(times, 0.99)}
    yield info(f"{words}: " + ", ".join(f"{one} {seen[one] * 1e3:.1f} ms" for one in seen))
    for share, most in (("p50", load.most("p50")), ("p99", load.most("p99"))):
        if most is not None and seen[share] > most:
            yield error(
                f"The {share} of its latency is {seen[share] * 1e3:.1f} ms, beyond "
                f"{most * 1e3:g} ms.",
                place=words,
                remedy=f"Make the model smaller or the machine faster, or change check.load.{share}"
                " in sealift.toml.",
            )


def memory_of(target: Target, load: LoadSettings) -> Iterator[Finding]:
    """What its processes hold now, and whether that is beyond the budget."""
    memory = sum(map(resident, loopback.listeners(target.port)))
    if not memory:
        return
    yield info(f"{memory / 1e6:.0f} MB of memory")
    most = load.memory_bytes
    if most is not None and memory > most:
        yield error(
            f"It holds {memory / 1e6:.0f} MB of memory, beyond {load.memory}.",
            remedy="Make the model smaller, let fewer processes answer (SEALIFT_WORKERS), or "
            "change check.load.memory in sealift.toml.",
        )


def quantile(times: list[float], share: float) -> float:
    """The smallest of the sorted times that this share is not above (the nearest rank).

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5), quantile([1.0, 2.0], 0.99)
    (2.0, 2.0)
    """
    rank = -(-len(times) * share // 1)
    return times[max(0, int(rank) - 1)]


def resident(pid: int) -> int:
    """Bytes that a process holds in memory; 0 for one that is gone or may not be looked at."""
    try:
        lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    kilobytes = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kilobytes[0]) * 1024 if kilobytes else 0


CHECK = Check(
    name="latency",
    shows="Under a stated load none fails; latencies and memory are within their budgets.",
    findings=findings,
)

__all__ = ["CHECK"]
