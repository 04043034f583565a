"""Millions of damaged requests, over the wire, by coverage and to compiled code: none may fail."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks import machine, program
from benchmarks.machine import REPOSITORY
from benchmarks.package.field import say
from benchmarks.result import Result, Where, result
from benchmarks.serving import entrants
from benchmarks.serving.fuzz.covered import Covered, cover
from benchmarks.serving.fuzz.mutate import Mutator
from benchmarks.serving.fuzz.seeds import seeds
from benchmarks.serving.fuzz.wire import Seen, fuzz, resident
from benchmarks.serving.places import HERE, WORK
from benchmarks.serving.running import post, running
from benchmarks.serving.subject import Request

WIRE = int(os.environ.get("FUZZ_WIRE", "900000"))
COVERED = int(os.environ.get("FUZZ_COVERED", "900000"))
COMPILED = int(os.environ.get("FUZZ_COMPILED", "1000000"))
LENT = int(os.environ.get("FUZZ_LENT", "100000"))
GROWTH = 2.0
"""Most megabytes that the memory may grow in 100,000 requests, once all code has run."""


def run(start: int) -> list[Result]:
    """All parts; what was found is told line by line."""
    where = machine.where()
    model = folder()
    first = seeds()[0]
    asked = Request(first.path, first.headers, first.body)
    with running(entrants.ours(model), asked) as server:
        prove(server.port)
        seen = fuzz(
            server.port, Mutator(start, seeds()), WIRE, lambda: resident(lambda: server.processes)
        )
        prove(server.port)
    say(f"over the wire: {dict(sorted(seen.statuses.items()))}")
    covered = cover(model, start, COVERED)
    say(f"by coverage: {covered.count} inputs, {covered.branches} branches")
    compiled = of_compiled(start)
    say(f"to compiled code: {compiled.count} inputs, {compiled.read} of which it read")
    lent = of_lent(start)
    say(f"of clients that are lent: {lent.count} cases, {lent.good} of which begin with 200")
    for line in (*seen.faults, *covered.faults, *compiled.faults, *lent.faults):
        say(line[:2000])
    found = [*of_wire(seen, where), of_coverage(covered, where), of_reader(compiled, where)]
    return [*found, *of_clients(lent, where)]


class Compiled(msgspec.Struct):
    """How many inputs compiled code was given, how many it read, and what failed."""

    count: int
    read: int
    faults: list[str]


def of_compiled(start: int) -> Compiled:
    """Requests for the code of the short road, in a process of its own that it may bring down."""
    try:
        return msgspec.json.decode(printed("compiled.py", COMPILED, start), type=Compiled)
    except program.FailedError as error:
        return Compiled(COMPILED, 0, [str(error)])


class Lent(msgspec.Struct):
    """How many cases there were, how many began with 200, memory on the way, and what failed."""

    count: int
    good: int
    held: list[int]
    faults: list[str]


def of_lent(start: int) -> Lent:
    """Requests of clients that a turnstile has, in a process of its own as well."""
    try:
        return msgspec.json.decode(printed("lent.py", LENT, start), type=Lent)
    except program.FailedError as error:
        return Lent(LENT, 0, [], [str(error)])


def printed(tool: str, count: int, start: int) -> str:
    """The last line that a tool prints. Raises ``FailedError``."""
    tests = REPOSITORY / "tests" / "serve"
    env = {**os.environ, "PYTHONPATH": f"{tests}:{REPOSITORY / 'src'}:{REPOSITORY}"}
    words: program.Words = [sys.executable, HERE / "tools" / tool, str(count), str(start)]
    return str(program.run(words, env=env, timeout=7200).output).splitlines()[-1]


def folder() -> Path:
    """A model folder whose contract has every type of field."""
    place = WORK / "fuzzed"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY / "tests" / "serve")}
    program.run([sys.executable, HERE / "tools" / "folder.py", place], env=env)
    return place / "model"


def prove(port: int) -> None:
    """Every good request is answered with 200, before all and after all."""
    for seed in seeds():
        status, content = post(port, Request(seed.path, seed.headers, seed.body))
        if status != 200:
            raise program.FailedError(f"{seed.path} gives {status}: {content[:200]!r}")


def of_wire(seen: Seen, where: Where) -> Sequence[Result]:
    """Faults, and the slope of the memory over the second half of the samples."""
    count = sum(seen.statuses.values())
    good = sum(one for status, one in seen.statuses.items() if status == 200)
    return [
        result(
            "fuzzing over the wire: 5xx, no answer, or none that can be read",
            {"ours": [float(len(seen.faults))]}, where, unit="", limit=0.0,
            rule=f"none of {count:,} damaged requests, {good:,} of which were answered with 200",
        ),
        result(
            "fuzzing over the wire: growth of memory in 100,000 requests",
            {"ours": [slope(seen.held, count) * 1e5 / 1e6]}, where, unit="MB", limit=GROWTH,
            rule="the slope over the second half of the requests",
        ),
        result(
            "fuzzing over the wire: resident memory on the way, all processes",
            {"ours": [one / 1e6 for one in seen.held]}, where, unit="MB",
        ),
    ]  # fmt: skip


def slope(held: Sequence[int], count: int) -> float:
    """Bytes a request over the second half of equally distant samples: the median of the slopes
    between all pairs of them.

    A sample that was taken while a large body was there, or just after its memory was given back,
    does not turn it, as it would turn least squares. This is the estimator of Theil and Sen: P. K.
    Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", Journal of the American
    Statistical Association 63 (324), 1968.

    >>> slope([0, 0, 0, 100, 110, 120], 60)
    1.0
    """
    half = held[len(held) // 2 :]
    apart = count / len(held)
    pairs = itertools.combinations(enumerate(half), 2)
    return statistics.median(
        (later - sooner) / ((second - first) * apart) for (first, sooner), (second, later) in pairs
    )


def of_coverage(covered: Covered, where: Where) -> Result:
    """Faults in memory."""
    rule = f"none of {covered.count:,} inputs, which reached {covered.branches:,} branches"
    return result(
        "fuzzing by coverage: crashes, hangs, 5xx",
        {"ours": [float(len(covered.faults))]}, where, unit="", limit=0.0, rule=rule,
    )  # fmt: skip


def of_reader(compiled: Compiled, where: Where) -> Result:
    """Crashes, bytes read beyond a request, and what does not mean what it means elsewhere."""
    rule = f"none of {compiled.count:,} inputs, {compiled.read:,} of which were read"
    return result(
        "fuzzing of compiled code: crashes, reads beyond the end, other meanings",
        {"ours": [float(len(compiled.faults))]}, where, unit="", limit=0.0, rule=rule,
    )  # fmt: skip


def of_clients(lent: Lent, where: Where) -> Sequence[Result]:
    """Answers that differ from the ordinary road's, and the growth of memory."""
    rule = f"none of {lent.count:,} cases, {lent.good:,} of which begin with an answer of 200"
    grown = [slope(lent.held, lent.count) * 1e5 / 1e6] if lent.held else []
    return [
        result(
            "fuzzing of clients that are lent: crashes, hangs, 5xx, other answers",
            {"ours": [float(len(lent.faults))]}, where, unit="", limit=0.0, rule=rule,
        ),
        result(
            "fuzzing of clients that are lent: growth of memory in 100,000 cases",
            {"ours": grown}, where, unit="MB", limit=GROWTH,
            rule="the slope over the second half of the cases, what is free left out",
        ),
    ]  # fmt: skip


__all__ = ["run", "slope"]
