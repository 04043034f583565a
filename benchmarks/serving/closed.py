"""Closed-loop load by wrk: each connection asks again as soon as it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import program
from benchmarks.program import FailedError
from benchmarks.serving.places import HERE, WORK
from benchmarks.serving.running import Running, told
from benchmarks.serving.subject import Request


@dataclass(frozen=True)
class Closed:
    """Answers a second, and percentiles of the latency in milliseconds."""

    rate: float
    p50: float
    p99: float
    p999: float


def closed(server: Running, request: Request, connections: int, seconds: float) -> Closed:
    """Load for so many seconds. Raises ``FailedError`` where any answer was not good."""
    body = WORK / "body"
    body.write_bytes(request.body)
    address = f"http://127.0.0.1:{server.port}{request.path}"
    words: program.Words = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    more: program.Words = ["--timeout", "30s", "-s", HERE / "post.lua", address, "--", body]
    said = program.run([*words, *more, *told(request.headers)]).output
    lines = [one for one in said.splitlines() if one.startswith("result ")]
    if not lines:
        raise FailedError(f"wrk gave no result: {said[-200:]}")
    count, micros, bad, p50, p99, p999 = map(float, lines[0].split()[1:])
    if bad or not count:
        raise FailedError(f"{bad:.0f} of {count:.0f} answers were not good")
    return Closed(count / micros * 1e6, p50 / 1e3, p99 / 1e3, p999 / 1e3)


__all__ = ["Closed", "closed"]
