"""Run the measures of training: ``python -m benchmarks.train``."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable

from benchmarks import result
from benchmarks.program import FailedError
from benchmarks.result import Result
from benchmarks.train.field import Field, everybody, say
from benchmarks.train.measures import growth, parallel, points, steps
from benchmarks.train.runners import KINDS
from sealift import clock

STAGE = "train"
GROUPS: dict[str, Callable[[Field], list[Result]]] = {
    "steps": steps.measure,
    "parallel": parallel.measure,
    "growth": growth.measure,
    "points": points.measure,
}


def main() -> int:
    """Measure, and keep the results; the exit status is 1 where a group could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1, help="samples of each measure")
    parser.add_argument("--only", nargs="*", choices=sorted(GROUPS), help="these groups alone")
    parser.add_argument("--rivals", nargs="*", choices=sorted(KINDS), default=sorted(KINDS))
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that all that runs is ended
    failed = 0
    field = everybody(asked.repeats, asked.rivals)
    for name in asked.only or GROUPS:
        began = clock.monotonic()
        try:
            result.save(STAGE, name, GROUPS[name](field))
        except FailedError as error:
            failed = 1
            say(f"{name} could not be measured: {error}")
        say(f"{name}: {clock.monotonic() - began:.0f} s")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
