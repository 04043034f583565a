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
from sealift.record.report import Finding

RATE = 50
"""Requests a second."""

SECONDS = 2.0
WORKERS = 32


def findings(target: Target) -> Iterator[Finding]:
    """Ask at a steady rate, whether answers have come or not (an open loop), and look at both."""
    body = rows_body(good_rows(target.subject, 1))
    begun = clock.monotonic() + 0.05

    def ask(number: int) -> float | str:
        due = begun + number / RATE
        clock.sleep(max(0.0, due - clock.monotonic()))
        try:
            status = target.post("/predict", body).status
        except CheckError as lost:
            return lost.what
        # from when it was due, so that waiting for the ones before it counts
        return clock.monotonic() - due if status == 200 else f"answered with {status}"

    count = int(RATE * SECONDS)
    with ThreadPoolExecutor(WORKERS) as crowd:
        answers = list(crowd.map(ask, range(count)))
    failed = [one for one in answers if isinstance(one, str)]
    if failed:
        yield error(
            f"{len(failed)} of {count} requests at {RATE} a second failed.", place=failed[0]
        )
    times = sorted(one for one in answers if isinstance(one, float))
    if times:
        yield info(
            f"{RATE} requests a second for {SECONDS:g} s: p50 {quantile(times, 0.5) * 1e3:.1f} ms, "
            f"p99 {quantile(times, 0.99) * 1e3:.1f} ms"
        )
    memory = sum(map(resident, loopback.listeners(target.port)))
    if memory:
        yield info(f"{memory / 1e6:.0f} MB of memory")


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
    shows="At a steady rate of requests none fails; the latencies and the memory are told.",
    findings=findings,
)

__all__ = ["CHECK"]
