"""Run the measures of the server: ``python -m benchmarks.serving``."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable

from benchmarks import result
from benchmarks.program import FailedError
from benchmarks.result import Result
from benchmarks.serving.entrants import RIVALRY
from benchmarks.serving.field import Field, gathered, say
from benchmarks.serving.measures import cold, container, grpc, one, payload, profile, two
from sealift import clock

STAGE = "serving"
GROUPS: dict[str, Callable[[Field], list[Result]]] = {
    "one": one.measure,
    "two": two.measure,
    "grpc": grpc.measure,
    "payload": payload.measure,
    "cold": cold.measure,
    "container": container.measure,
    "profile": profile.measure,
}


def main() -> int:
    """Measure, and keep the results; the exit status is 1 where a group could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="length of each sample of load")
    parser.add_argument("--repeats", type=int, default=3, help="samples of each measure")
    parser.add_argument("--only", nargs="*", choices=GROUPS, help="these groups alone")
    parser.add_argument("--rivals", nargs="*", choices=RIVALRY, default=list(RIVALRY))
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that all that runs is ended
    failed = 0
    field = gathered(asked.seconds, asked.repeats, asked.rivals)
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
