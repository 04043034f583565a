"""One worker: closed and open loop, by JSON, and the memory that is held after them."""

from __future__ import annotations

import sys

import msgspec

from benchmarks import program
from benchmarks.result import Result, result
from benchmarks.serving import model
from benchmarks.serving.arrivals import Arrived, percentile
from benchmarks.serving.closed import closed
from benchmarks.serving.entrants import ECHO
from benchmarks.serving.field import Field, Table
from benchmarks.serving.limits import Wanted, wanted
from benchmarks.serving.places import WORK
from benchmarks.serving.reference import reference
from benchmarks.serving.running import Running
from benchmarks.serving.subject import Request, as_json

RATES = (100, 1000, 5000)
SHARE = 0.8
"""Of its closed-loop rate, what a server is asked for at most at a constant rate."""

LIMIT = "limit: echo time + model time"
OPEN_CONNECTIONS = 64
SMALL = "1 row JSON, 32 connections"
LONE = "1 row JSON, 1 connection"
LARGE = "32 rows JSON, 32 connections"
MEMORY = "memory after load, one worker"
FACTORS = {
    SMALL: {"FastAPI + onnxruntime": 6.0, "PyTriton": 5.0}
    | dict.fromkeys(("MLServer", "BentoML", "LitServe", "MLflow"), 12.0),
    LARGE: {"FastAPI + onnxruntime": 10.0, "PyTriton": 3.5},
}


def measure(field: Field) -> list[Result]:
    """All that is asked of servers with one worker."""
    table = Table()
    absent = field.each(field.everybody, lambda server: load(field, table, server))
    alone = {count: model.alone(field.made.onnx, count) for count in (1, 32)}
    found = []
    for name, count in ((SMALL, 1), (LONE, 1), (LARGE, 32)):
        found += closed_results(field, table, name, absent, alone[count])
    for rate in RATES:
        found += open_results(field, table, rate, absent)
    return [*found, memory(field, table, absent)]


def load(field: Field, table: Table, server: Running) -> None:
    """Every sample of one server."""
    name = server.subject.name
    one = as_json(server.subject, field.made.rows.first(1))
    many = as_json(server.subject, field.made.rows)
    closed(server, one, 32, 1)  # warm
    for _ in range(field.repeats):
        for title, request, connections in ((SMALL, one, 32), (LONE, one, 1), (LARGE, many, 32)):
            seen = closed(server, request, connections, field.seconds)
            table.add(title, name, seen.rate)
            table.add(f"{title}: p50", name, seen.p50)
            table.add(f"{title}: p99", name, seen.p99)
            table.add(f"{title}: p99.9", name, seen.p999)
    most = table.middle(SMALL, name) or 0.0
    for rate in RATES:
        if rate <= SHARE * most:
            arrive(field, table, server, one, rate)
    table.add(MEMORY, name, server.memory / 1e6)


def arrive(field: Field, table: Table, server: Running, request: Request, rate: int) -> None:
    """Requests at a constant rate, from a process of their own."""
    path = WORK / "message"
    path.write_bytes(wire(request))
    words: program.Words = ["-m", "benchmarks.serving.arrivals", str(server.port), str(rate)]
    more: program.Words = [str(2 * field.seconds), str(OPEN_CONNECTIONS), path]
    said = program.run([sys.executable, *words, *more], timeout=120).output
    seen = msgspec.json.decode(said, type=Arrived)
    if seen.bad:
        raise program.FailedError(f"{seen.bad} of {seen.due} answers at {rate} a second were bad")
    for title, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
        value = percentile(seen.latencies, share) * 1e3
        table.add(f"{rate} requests a second, 1 row JSON: {title}", server.subject.name, value)


def wire(request: Request) -> bytes:
    """The request as it goes over the wire."""
    lines = [f"POST {request.path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"content-length: {len(request.body)}", "", ""]
    return "\r\n".join(lines).encode() + request.body


def closed_results(
    field: Field, table: Table, name: str, absent: dict[str, str], alone: float
) -> list[Result]:
    """Requests a second and percentiles, with what is wanted of ours."""
    samples = table.of(name)
    most = table.middle(name, ECHO)
    if most:
        samples[LIMIT] = [1 / (1 / most + alone)]
    if name == SMALL:
        goal = wanted(samples, FACTORS[name], {LIMIT: 0.6})
    else:
        goal = wanted(samples, FACTORS.get(name, {}), {})
    rate = result(
        name, samples, field.where, unit="/s", better="more",
        limit=goal.value, rule=goal.rule, absent=absent,
    )  # fmt: skip
    found = [rate]
    for title in ("p50", "p99", "p99.9"):
        least = fastest_median(table, name) if name == SMALL and title == "p99" else Wanted()
        found.append(
            table.latency(
                f"{name}: {title}", field.where, absent, limit=least.value, rule=least.rule
            )
        )
    return found


def fastest_median(table: Table, name: str) -> Wanted:
    """The lowest median latency of a rival: our 99th percentile is to be below it."""
    medians = {
        who: table.middle(f"{name}: p50", who) or 0.0
        for who in table.of(f"{name}: p50")
        if who not in ("ours", ECHO)
    }
    if not medians:
        return Wanted()
    who = min(medians, key=lambda one: medians[one])
    return Wanted(medians[who], f"the lowest median of a rival ({who})")


def open_results(field: Field, table: Table, rate: int, absent: dict[str, str]) -> list[Result]:
    """Percentiles at a constant rate; who cannot keep it is named with what it can."""
    slow = {
        name: f"answers at most {table.middle(SMALL, name):.0f} a second"
        for name, found in table.of(SMALL).items()
        if name != LIMIT and (table.middle(SMALL, name) or 0.0) * SHARE < rate and found
    }
    names = [f"{rate} requests a second, 1 row JSON: {title}" for title in ("p50", "p99", "p99.9")]
    return [
        table.latency(name, field.where, {**absent, **slow}) for name in names if table.of(name)
    ]


def memory(field: Field, table: Table, absent: dict[str, str]) -> Result:
    """All processes of a server together, beside onnxruntime with the model and nothing else."""
    samples = table.of(MEMORY)
    base = reference(field.made.onnx)
    samples["import onnxruntime and load the model"] = [base.memory / 1e6]
    limit, rule = 1.3 * base.memory / 1e6, "1.3 of onnxruntime with the model alone"
    return result(MEMORY, samples, field.where, unit="MB", absent=absent, limit=limit, rule=rule)


__all__ = ["LARGE", "SMALL", "measure"]
